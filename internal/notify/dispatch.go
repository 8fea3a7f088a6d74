package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// ErrGone is in an error's chain when trying again is of no use: the other side
// says that it has forgotten us.
var ErrGone = errors.New("it is gone for good")

// dispatch begins one message to each channel that has something due and no
// message under way. Channels do not wait for each other. It reports whether
// anything waits.
func (n *Notifier) dispatch(ctx context.Context, channels []bunker.Channel) (waits bool, err error) {
	if len(channels) == 0 {
		return false, nil
	}
	// Taken before the rows are read: what was read while a message was under way looks as if
	// it had not been sent, or not been given up.
	var free []bunker.Channel
	for i := range channels {
		if n.take(channels[i].Name) {
			free = append(free, channels[i])
		}
	}
	waiting, err := n.Outbox.WaitingNotices(ctx)
	byChannel := map[string][]bunker.Notice{}
	if err == nil {
		for _, w := range waiting {
			byChannel[w.Channel] = append(byChannel[w.Channel], w)
		}
	}
	for _, c := range free {
		list := byChannel[c.Name]
		if len(list) == 0 {
			n.give(c.Name)
			continue
		}
		n.work.Go(func() {
			again := false
			if batch := n.choose(ctx, &c, list); len(batch) > 0 {
				again = n.deliver(ctx, &c, batch)
			}
			n.give(c.Name)
			if again {
				n.Wake() // what came meanwhile
			}
		})
	}
	return len(waiting) > 0, err
}

func (n *Notifier) take(channel string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.busy[channel] {
		return false
	}
	n.busy[channel] = true
	return true
}

func (n *Notifier) give(channel string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.busy, channel)
}

// choose returns the notices of the next message to a channel, all of one batch:
// a message that was tried before, or everything that is due. What became moot
// is ended.
func (n *Notifier) choose(ctx context.Context, c *bunker.Channel, list []bunker.Notice) []bunker.Notice {
	now := n.Now()
	sealed := n.Around.Sealed()
	var batch []bunker.Notice
	var moot []bunker.NoticeID
	for _, w := range list {
		isQuestion := w.Kind == bunker.NoticeQuestion
		if w.NextTry > now.UnixMilli() || heldBack(&c.Settings, w.Kind, now) || isQuestion && sealed {
			continue
		}
		if len(batch) > 0 && w.Batch != batch[0].Batch {
			continue
		}
		if isQuestion && n.settled(ctx, w.Object) {
			moot = append(moot, w.ID)
			continue
		}
		if batch = append(batch, w); len(batch) == maxBatch {
			break
		}
	}
	n.end(ctx, moot, bunker.NoticeMoot, "")
	if len(batch) == 0 || batch[0].Tries > 0 {
		return batch // a repetition is no new message
	}
	sent, last, err := n.Outbox.SentTo(ctx, c.Name, now.Add(-time.Hour).UnixMilli())
	if err != nil || sent >= maxHourly || now.UnixMilli()-last < minGap.Milliseconds() {
		return nil
	}
	return batch
}

// settled reports a question that nobody has to be told of any more.
func (n *Notifier) settled(ctx context.Context, id string) bool {
	q, err := n.Around.Question(ctx, bunker.ApprovalID(id))
	if err != nil {
		return bunker.AsError(err).Code == bunker.CodeNotFound
	}
	return q.State != bunker.ApprovalPending || q.QuestionUntil <= n.Now().UnixMilli()
}

// deliver tries one message, and reports whether it is done with.
func (n *Notifier) deliver(ctx context.Context, c *bunker.Channel, batch []bunker.Notice) (done bool) {
	name := batch[0].Batch
	if name == "" {
		name = batch[0].ID
	}
	ids := make([]bunker.NoticeID, len(batch))
	for i, w := range batch {
		ids[i] = w.ID
	}
	tries := batch[0].Tries
	again := n.Now().Add(max(backoff(tries), sendTimeout)).UnixMilli()
	if err := n.Outbox.TryNotices(ctx, name, ids, again); err != nil {
		if ctx.Err() != nil {
			return false
		}
		n.Logger.Error("a try to send a notice could not be noted, so it is not made", "channel", c.Name, "error", err)
		return false
	}
	said, err := n.sendOne(ctx, c, n.message(ctx, c, name, batch))
	if ctx.Err() != nil && err != nil {
		return false // shutting down: it is tried again after the start
	}
	switch {
	case err == nil:
		n.Logger.Info("people were told", "channel", c.Name, "notices", len(batch), "answer", said)
		n.end(ctx, ids, bunker.NoticeSent, "")
		return true
	case errors.Is(err, ErrGone) || tries+1 >= maxTries:
		n.Logger.Error("a notice was given up; it is listed", "channel", c.Name, "notices", len(batch), "error", err)
		n.end(ctx, ids, bunker.NoticeFailed, err.Error())
		return true
	}
	n.Logger.Warn("a notice could not be sent yet", "channel", c.Name, "tries", tries+1, "error", err)
	n.end(ctx, ids, bunker.NoticeWaiting, err.Error())
	return false
}

func (n *Notifier) end(ctx context.Context, ids []bunker.NoticeID, state bunker.NoticeState, why string) {
	if len(ids) == 0 {
		return
	}
	// What was sent is sent, also when we are asked to end just now.
	ctx = context.WithoutCancel(ctx)
	if err := n.Outbox.EndNotices(ctx, ids, state, bunker.Display(why, 2*maxAnswer)); err != nil {
		n.Logger.Error("what became of a notice could not be stored; it may be told twice", "error", err)
	}
}

// sendOne sends one message and returns what the other side said.
func (n *Notifier) sendOne(ctx context.Context, c *bunker.Channel, m *Message) (said string, err error) {
	s := n.senders[c.Kind]
	if s == nil {
		return "", fmt.Errorf("channels of kind %q are not known here", c.Kind)
	}
	var sec []byte
	if len(c.Secret) > 0 {
		if sec, err = n.Around.Secret(c); err != nil {
			return "", err
		}
		defer secret.Wipe(sec)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return s.send(ctx, c, sec, m)
}

// Test sends a test message to a channel, right now, and returns what the other
// side said. Errors are in words for people.
func (n *Notifier) Test(ctx context.Context, c *bunker.Channel) (said string, err error) {
	return n.sendOne(ctx, c, &Message{
		ID: bunker.NewNoticeID(), At: n.Now(), Title: title, Lines: []string{"This is a test. If you can read it, the channel works."}, Test: true,
	})
}
