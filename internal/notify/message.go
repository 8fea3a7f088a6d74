package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
)

// title is the title of every message: it says who speaks, and nothing else.
const title = "nsecBunker"

// Message is what one channel is told at once.
type Message struct {
	// ID stays the same when the message is sent again.
	ID bunker.NoticeID
	At time.Time // when the first of it happened; stays the same, too
	// Title and Lines are the words; no line holds a line break.
	Title  string
	Lines  []string
	Urgent bool
	Test   bool
	// Items are what the lines are about.
	Items []Item
	// Open are the questions among the notices, for channels that carry codes.
	Open []bunker.Notice
}

// Item is a kind of notice and how many there are.
type Item struct {
	Kind  bunker.NoticeKind `json:"kind"`
	Count int               `json:"count"`
}

// Text is the lines in one.
func (m *Message) Text() string { return strings.Join(m.Lines, "\n") }

// kindOrder is the order of the lines: what is urgent first.
func kindOrder() []bunker.NoticeKind {
	return []bunker.NoticeKind{
		bunker.AlarmTampered, bunker.AlarmCopy, bunker.AlarmOlderCopy, bunker.AlarmStop, bunker.AlarmSecret, bunker.AlarmAdmin, bunker.AlarmGlass, bunker.AlarmDevice, bunker.AlarmCodes,
		bunker.AlarmSealed, bunker.AlarmClock, bunker.NoticeQuestion, bunker.AlarmRelay, bunker.AlarmUndelivered, bunker.AlarmBackup, bunker.AlarmSeats, bunker.AlarmStanding,
		bunker.NoticeAnswered, bunker.NoticeExpired,
	}
}

// message puts the words together.
func (n *Notifier) message(ctx context.Context, c *bunker.Channel, name bunker.NoticeID, batch []bunker.Notice) *Message {
	m := &Message{ID: name, Title: title}
	first := batch[0].At
	for _, kind := range kindOrder() {
		var of []bunker.Notice
		for _, w := range batch {
			if w.Kind == kind {
				of = append(of, w)
				first = min(first, w.At)
			}
		}
		if len(of) == 0 {
			continue
		}
		// The order in the store may differ at the next try; the message must not.
		slices.SortFunc(of, func(a, b bunker.Notice) int { return strings.Compare(string(a.ID), string(b.ID)) })
		m.Items = append(m.Items, Item{kind, len(of)})
		m.Lines = append(m.Lines, words(kind, len(of)))
		m.Urgent = m.Urgent || kind == bunker.NoticeQuestion || kind.Class() == bunker.ClassAlarms
		if kind == bunker.NoticeQuestion {
			m.Open = of
		}
		if c.Settings.Details {
			m.Lines = append(m.Lines, n.details(ctx, of)...)
		}
	}
	m.At = time.UnixMilli(first)
	return m
}

// Words are the sentence for one happening of a kind; "" for none.
func Words(k bunker.NoticeKind) string { return words(k, 1) }

// words are a kind's words: no name of a key or an app, no content.
func words(k bunker.NoticeKind, n int) string {
	switch k {
	case bunker.NoticeQuestion:
		return plural(n, "A question waits for you.", "%d questions wait for you.")
	case bunker.NoticeAnswered:
		return plural(n, "A question was answered.", "%d questions were answered.")
	case bunker.NoticeExpired:
		return plural(n, "A question was not answered in time.", "%d questions were not answered in time.")
	case bunker.AlarmSecret:
		return plural(n, "Alarm: a link that was used up was tried by another app. It may have leaked.", "Alarm: links that were used up were tried %d times by other apps. They may have leaked.")
	case bunker.AlarmTampered:
		return "Alarm: the stored data was changed from outside, so the bunker was sealed. Look at it now."
	case bunker.AlarmCopy:
		return "Alarm: another copy of this bunker runs with the same keys, so this one was stopped. Find the other one; if this one is the right one, an owner ends the stop."
	case bunker.AlarmOlderCopy:
		return "Alarm: an older copy of this bunker ran with the same keys. It stops when it hears of this one. Find it and end it."
	case bunker.AlarmStop:
		return "Alarm: everything was stopped. Nothing is signed until an owner ends it."
	case bunker.AlarmAdmin:
		return plural(n, "Alarm: an administrator was named, or got another role or way in. If that is not right, act within a day.", "Alarm: administrators were named, or got other roles or ways in, %d times. If that is not right, act within a day.")
	case bunker.AlarmDevice:
		return plural(n, "Alarm: somebody logs in from a new device.", "Alarm: there were %d logins from new devices.")
	case bunker.AlarmCodes:
		return "Alarm: wrong codes came by direct message. Answers by direct message rest for an hour."
	case bunker.AlarmGlass:
		return plural(n, "Alarm: something was done at the machine that needs several persons, without them.", "Alarm: %d things were done at the machine that need several persons, without them.")
	case bunker.AlarmSealed:
		return "Alarm: the bunker has started and is sealed. Nothing is signed until somebody unseals it."
	case bunker.AlarmClock:
		return "Alarm: the machine's clock cannot be believed. Look at it now."
	case bunker.AlarmRelay:
		return plural(n, "Alarm: a relay has been unreachable for long.", "Alarm: %d relays have been unreachable for long.")
	case bunker.AlarmUndelivered:
		return "Alarm: replies to apps reached no relay in time. See: nsecbunker doctor"
	case bunker.AlarmBackup:
		return "Alarm: the last backup is old, or there is none."
	case bunker.AlarmSeats:
		return "Alarm: all seats are taken, and somebody who has none was refused. See: nsecbunker seat list"
	case bunker.AlarmStanding:
		return "Alarm: your provider changed how the bunker stands: suspended, read-only, or working again. See its log and status."
	}
	return ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// details names apps and keys, for a channel that may hear of them.
func (n *Notifier) details(ctx context.Context, of []bunker.Notice) []string {
	var out []string
	for i, w := range of {
		if i == maxNamed {
			return append(out, fmt.Sprintf("- and %d more", len(of)-i))
		}
		if line := n.detail(ctx, &w); line != "" {
			out = append(out, "- "+line)
		}
	}
	return out
}

// maxWord is how many characters of a name are shown.
const maxWord = 64

func (n *Notifier) detail(ctx context.Context, w *bunker.Notice) string {
	switch w.Kind {
	case bunker.NoticeQuestion, bunker.NoticeAnswered, bunker.NoticeExpired:
		q, err := n.Around.Question(ctx, bunker.ApprovalID(w.Object))
		if err != nil {
			return ""
		}
		app, key := n.Around.Names(ctx, q.Connection, q.Key)
		if app == "" && key == "" {
			return ""
		}
		return fmt.Sprintf("%s, for the key %s (question %s)", bunker.Display(app, maxWord), bunker.Display(key, maxWord), w.Object)
	case bunker.AlarmRelay, bunker.AlarmAdmin, bunker.AlarmSecret:
		return bunker.Display(w.Object, 2*maxWord)
	}
	return ""
}
