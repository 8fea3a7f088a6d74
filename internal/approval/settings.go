package approval

import (
	"encoding/json"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
)

// Bounds of what an admin may set.
const (
	// MinReply and MaxReply bound how long a client waits: a shorter time nobody
	// can meet, after a longer one clients have given up (security.md section 2).
	MinReply = 5 * time.Second
	MaxReply = 60 * time.Second
	// MinQuestion and MaxQuestion bound how long a person may answer.
	MinQuestion = time.Minute
	MaxQuestion = 30 * 24 * time.Hour
	// MaxOwnDeadlines is how many keys can have deadlines of their own.
	MaxOwnDeadlines = 200
)

// SettingsName is the name of the setting that holds [Settings] as JSON.
const SettingsName = "approval.deadlines"

// Deadlines are how long the client of a question waits, and how long a person may
// answer; 0 is the one above: the bunker's, then the built-in one.
type Deadlines struct {
	Reply    time.Duration `json:"reply,omitempty"`
	Question time.Duration `json:"question,omitempty"`
}

// Settings are the bunker's deadlines, and those of keys that have their own.
type Settings struct {
	Deadlines
	Keys map[bunker.KeyID]Deadlines `json:"keys,omitempty"`
}

// ParseSettings reads what Text wrote; "" is the built-in deadlines.
func ParseSettings(text string) (s Settings, err error) {
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return Settings{}, fmt.Errorf("reading the deadlines of questions: %w", err)
	}
	return s, nil
}

// Text writes the settings, "" when nothing is set.
func (s Settings) Text() string {
	if s.Deadlines == (Deadlines{}) && len(s.Keys) == 0 {
		return ""
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic("approval: " + err.Error()) // numbers and texts always marshal
	}
	return string(b)
}

// Of returns the deadlines of questions about a key, every one set and within its
// bounds, whatever is stored.
func (s Settings) Of(k bunker.KeyID) Deadlines {
	own := s.Keys[k]
	return Deadlines{
		Reply:    within(own.Reply, s.Reply, ReplyWithin, MinReply, MaxReply),
		Question: within(own.Question, s.Question, QuestionFor, MinQuestion, MaxQuestion),
	}
}

func within(own, all, builtIn, least, most time.Duration) time.Duration {
	d := builtIn
	switch {
	case own != 0:
		d = own
	case all != 0:
		d = all
	}
	return min(max(d, least), most)
}

// Within gives a question other deadlines than the built-in ones. Questions about
// credentials stay as short as they are. It is called before the question's
// summary is sealed, which binds them.
func Within(a *bunker.Approval, d Deadlines) {
	until := d.Question
	if credential(a.Kind) {
		until = min(until, CredentialQuestionFor)
	}
	a.ReplyBy = a.CreatedAt + min(d.Reply, until).Milliseconds()
	a.QuestionUntil = a.CreatedAt + until.Milliseconds()
}

// credential reports a kind whose signature lets somebody in somewhere: an old
// answer is of no use to anybody but a thief.
func credential(kind int64) bool { return kind == 22242 || kind == 24242 || kind == 27235 }
