package notify

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

const (
	// maxCodes is how many questions one direct message carries codes for; more are
	// only counted, since nobody could tell them apart.
	maxCodes = 4
	// maxReply is the longest answer that is read, in bytes: a word and a code.
	maxReply = 200
	// MaxWrong is how many wrong codes one person may send in WrongWindow; then
	// answers by direct message rest for him until it is over.
	MaxWrong    = 5
	WrongWindow = time.Hour
)

// Letters sends direct messages and knows what answers to them mean.
type Letters interface {
	// Send sends a text by relays and returns those that took it; at dates the
	// message. An error when none did.
	Send(ctx context.Context, c *bunker.Channel, to nostr.PubKey, text string, at time.Time) (took []string, err error)
	// Code is the code that answers a question that was told by a notice, by one
	// person. It fails while sealed.
	Code(n bunker.NoticeID, q *bunker.Approval, person nostr.PubKey) (string, error)
	// Person is who may answer by direct message: an admin, approver or more, in
	// office, whose npub is no user key here. An error for everybody else.
	Person(ctx context.Context, pub nostr.PubKey) (bunker.Principal, error)
	// Told are the open questions whose code went to a channel and was not used.
	Told(ctx context.Context, channel string) ([]bunker.Notice, error)
	// Use spends a code; false when it was spent.
	Use(ctx context.Context, n bunker.NoticeID) (bool, error)
	// Wrong counts a wrong code of a person, or with add false only reads, and
	// returns how many there were in the window.
	Wrong(ctx context.Context, person nostr.PubKey, add bool) (int, error)
	// Answer answers a question as shown, once, in the name of a person.
	Answer(ctx context.Context, p bunker.Principal, q *bunker.Approval, deny bool) error
}

// letters is the channel of direct messages.
type letters struct {
	n *Notifier
}

func (s letters) send(ctx context.Context, c *bunker.Channel, _ []byte, m *Message) (string, error) {
	if s.n.Letters == nil {
		return "", errors.New("this bunker sends no direct messages")
	}
	to, err := nostr.ParsePubKey(c.Settings.Target)
	if err != nil {
		return "", errors.New("the reader of the channel is no public key")
	}
	text := m.Title + ": " + m.Text() + s.codes(ctx, c, to, m)
	took, err := s.n.Letters.Send(ctx, c, to, text, m.At)
	if err != nil {
		return "", err
	}
	return "taken by " + strings.Join(took, ", "), nil
}

// codes are the lines that say how to answer; "" where nobody can.
func (s letters) codes(ctx context.Context, c *bunker.Channel, to nostr.PubKey, m *Message) string {
	if !c.Settings.Answers || len(m.Open) == 0 || len(m.Open) > maxCodes {
		return ""
	}
	if _, err := s.n.Letters.Person(ctx, to); err != nil {
		return ""
	}
	var b strings.Builder
	for i := range m.Open {
		w := &m.Open[i]
		q, err := s.n.Around.Question(ctx, bunker.ApprovalID(w.Object))
		if err != nil || q.State != bunker.ApprovalPending {
			continue
		}
		code, err := s.n.Letters.Code(w.ID, q, to)
		if err != nil {
			continue
		}
		which := ""
		if len(m.Open) > 1 {
			which = fmt.Sprintf("Question %d", i+1)
			if d := s.n.detail(ctx, w); c.Settings.Details && d != "" {
				which += ", " + d
			}
			which += ": "
		}
		if q.Method == "connect" {
			fmt.Fprintf(&b, "\n%sa new app wants to connect. Answer \"no %s\" to refuse it; let it in in the terminal.", which, code)
			continue
		}
		fmt.Fprintf(&b, "\n%sanswer \"yes %s\" to allow it once, \"no %s\" to refuse it.", which, code, code)
	}
	return b.String()
}

// FormatCode writes a code as people read it: four groups of four.
func FormatCode(code string) string {
	var parts []string
	for len(code) > 4 {
		parts, code = append(parts, code[:4]), code[4:]
	}
	return strings.Join(append(parts, code), "-")
}

// Reply is what an answer by direct message says.
type Reply struct {
	Yes  bool
	Code string // without hyphens, in lower case
}

// ParseReply reads "yes CODE" or "no CODE", in any case, with or without hyphens.
// ok is false for everything else: people may write what they like.
func ParseReply(text string) (r Reply, ok bool) {
	if len(text) > maxReply {
		return r, false
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) != 2 || words[0] != "yes" && words[0] != "no" {
		return r, false
	}
	code := strings.ReplaceAll(words[1], "-", "")
	if len(code) != codeLength || strings.ContainsFunc(code, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }) {
		return r, false
	}
	return Reply{words[0] == "yes", code}, true
}

// codeLength is how many characters 80 bits are.
const codeLength = 16

// Heard takes a direct message and does what it says. It returns what to answer,
// "" for nothing: strangers, and people who just talk, hear nothing.
func (n *Notifier) Heard(ctx context.Context, from nostr.PubKey, text string) (answer string) {
	r, ok := ParseReply(text)
	if !ok || n.Letters == nil {
		return ""
	}
	p, err := n.Letters.Person(ctx, from)
	if err != nil {
		n.Logger.Debug("an answer by direct message was ignored", "from", from, "why", err)
		return ""
	}
	if wrong, err := n.Letters.Wrong(ctx, from, false); err != nil || wrong >= MaxWrong {
		return ""
	}
	told, q := n.find(ctx, from, r.Code)
	if told == nil {
		return n.wrong(ctx, from)
	}
	used, err := n.Letters.Use(ctx, told.ID)
	if err != nil {
		n.Logger.Error("a code could not be used", "error", err)
		return "The bunker could not store your answer. Send it again."
	}
	if !used {
		return n.wrong(ctx, from)
	}
	if err := n.Letters.Answer(ctx, p, q, !r.Yes); err != nil {
		n.Logger.Warn("an answer by direct message was refused", "question", q.ID, "error", err)
		return "It was not done: " + bunker.AsError(err).Words + ". The code is used up."
	}
	if r.Yes {
		return "Allowed, once."
	}
	return "Refused."
}

// find looks for the question that a code of a person is for. All codes that are
// open are compared, so that the time tells nothing.
func (n *Notifier) find(ctx context.Context, from nostr.PubKey, code string) (*bunker.Notice, *bunker.Approval) {
	channels, err := n.Around.Channels(ctx)
	if err != nil {
		n.Logger.Error("a channel of notices cannot be used", "error", err)
	}
	var found *bunker.Notice
	var question *bunker.Approval
	for i := range channels {
		c := &channels[i]
		if c.Kind != bunker.ChannelNostr || !c.Settings.Answers || c.Settings.Target != from.String() {
			continue
		}
		told, err := n.Letters.Told(ctx, c.Name)
		if err != nil {
			n.Logger.Error("questions that were told could not be read", "error", err)
		}
		for j := range told {
			q, err := n.Around.Question(ctx, bunker.ApprovalID(told[j].Object))
			if err != nil {
				continue
			}
			want, err := n.Letters.Code(told[j].ID, q, from)
			want = strings.ReplaceAll(want, "-", "")
			if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
				found, question = &told[j], q
			}
		}
	}
	return found, question
}

func (n *Notifier) wrong(ctx context.Context, from nostr.PubKey) string {
	count, err := n.Letters.Wrong(ctx, from, true)
	if err != nil {
		n.Logger.Error("a wrong code could not be counted", "error", err)
		return ""
	}
	if count >= MaxWrong {
		return fmt.Sprintf("That code is wrong, was used, or its question is closed. There were %d such answers: answers by direct message rest for an hour.", count)
	}
	return "That code is wrong, was used, or its question is closed."
}
