package bunkertest

import (
	"context"
	"time"
)

// Questions lists the open questions, oldest first.
func (b *Bunker) Questions() []Answer {
	b.t.Helper()
	return b.Admin("approval.list", nil).Each("approvals")
}

// Question is the one open question. It waits for it: over a relay in between, a
// later request may be answered before.
func (b *Bunker) Question() Answer {
	b.t.Helper()
	var q []Answer
	b.Until("a question is open", func() bool { q = b.Questions(); return len(q) > 0 })
	if len(q) != 1 {
		b.t.Fatalf("%d open questions, want 1", len(q))
	}
	return q[0]
}

// Reply answers the one open question as it is shown.
func (b *Bunker) Reply(p Params) Answer {
	b.t.Helper()
	q := b.Question()
	all := Params{"id": q.Text("id"), "digest": q.Text("digest")}
	for k, v := range p {
		all[k] = v
	}
	return b.Admin("approval.answer", all)
}

// Pass lets time pass, and has what fell due looked for.
func (b *Bunker) Pass(d time.Duration) {
	b.Clock.Pass(d)
	b.Wake()
}

// Connection is the id of the one connection in a state.
func (b *Bunker) Connection(state string) string {
	b.t.Helper()
	var list []Answer
	for page := (Params{"state": state}); ; {
		got := b.Admin("connection.list", page)
		list = append(list, got.Each("connections")...)
		if page["after"] = got.Text("next"); page["after"] == "" {
			break
		}
	}
	if len(list) != 1 {
		b.t.Fatalf("%d connections are %s, want 1", len(list), state)
	}
	return list[0].Text("id")
}

// Chores does what the timer does every minute.
func (b *Bunker) Chores() {
	b.t.Helper()
	if err := b.Daemon.Chores(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}
