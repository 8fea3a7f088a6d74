package daemon

import (
	"strings"
	"sync"

	"nsecbunker/internal/bunker"
)

// News is something that happened and that people who look on want to know: what
// it is about, never its content.
type News struct {
	// Type is question, answered, changed or alarm.
	Type string
	// Noun is what changed: key, token, connection, admin, …
	Noun string
	// ID is of the question, or of the row that changed; "" where there are several.
	ID string
	// Key is the user key that it is about, if it is about one.
	Key bunker.KeyID
	// By is who caused it: a principal's name.
	By string
	// Words is an alarm's sentence.
	Words string
}

// The types of news.
const (
	NewsQuestion = "question"
	NewsAnswered = "answered"
	NewsChanged  = "changed"
	NewsAlarm    = "alarm"
)

// newsline tells subscribers what happened. They are called where it happened,
// after the commit, and must not block.
type newsline struct {
	mu   sync.RWMutex
	subs []func(News)
}

func (n *newsline) subscribe(tell func(News)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.subs = append(n.subs, tell)
}

func (n *newsline) tell(what News) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, s := range n.subs {
		s(what)
	}
}

// asked tells of a question.
func (d *Daemon) asked(a *bunker.Approval) {
	d.news.tell(News{Type: NewsQuestion, Noun: "approval", ID: string(a.ID), Key: a.Key})
}

// expired tells that questions ended by themselves.
func (d *Daemon) expired(int) {
	d.news.tell(News{Type: NewsChanged, Noun: "approval", By: "system"})
}

// told tells of a command that changed something.
func (d *Daemon) told(p bunker.Principal, command string, err error) {
	if err != nil || !d.writes[command] {
		return
	}
	noun, _, _ := strings.Cut(command, ".")
	n := News{Type: NewsChanged, Noun: noun, By: p.Name}
	if noun == "approval" {
		n.Type = NewsAnswered
	}
	d.news.tell(n)
}
