package notify

import (
	"context"
	"errors"
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
)

// plan makes notices of what was committed since the last time, and returns the channels
// that they are for, and after how long it is to be called again. It is not ok where the
// channels cannot be read: going on without them would leave out what they are to be told.
func (n *Notifier) plan(ctx context.Context) (channels []bunker.Channel, again time.Duration, ok bool) {
	for {
		recs, upTo, err := n.Log.Happened(ctx, n.seen, pageOfLog)
		// Read after the records: a channel that was there before one of them is to be told of it.
		channels, again, ok = n.channels(ctx)
		if !ok {
			return nil, 0, false
		}
		if err == nil {
			err = n.note(ctx, channels, recs, upTo)
		}
		if err == nil && len(recs) == pageOfLog {
			continue
		}
		if err == nil {
			err = n.planConditions(ctx, channels)
		}
		if err != nil {
			if ctx.Err() == nil {
				n.Logger.Error("what happened could not be read for notices", "error", err)
			}
			again = lookEvery
		}
		return channels, again, true
	}
}

// channels reads the channels. One that was tampered with is left out, and said.
func (n *Notifier) channels(ctx context.Context) (list []bunker.Channel, again time.Duration, ok bool) {
	list, err := n.Around.Channels(ctx)
	if err != nil && ctx.Err() == nil {
		n.Logger.Error("a channel of notices cannot be used", "error", err)
	}
	if err != nil && !errors.Is(err, bunker.ErrTampered) {
		return nil, 0, false
	}
	if len(list) > 0 || err != nil {
		again = conditionsEvery
	}
	return list, again, true
}

// note makes notices of the records up to a number.
func (n *Notifier) note(ctx context.Context, channels []bunker.Channel, recs []bunker.AuditRecord, upTo int64) error {
	if upTo <= n.seen {
		return nil
	}
	var list []bunker.Notice
	for i := range recs {
		h := bunker.HappeningOf(&recs[i])
		list = append(list, noticesOf(&h, channels)...)
	}
	if len(list) > 0 || upTo-n.stored >= rememberEvery {
		if err := n.Outbox.AddNotices(ctx, upTo, list); err != nil {
			return err
		}
		n.stored = upTo
	}
	n.seen = upTo
	return nil
}

// noticesOf is one notice for each channel that wants to hear of a happening. A
// channel hears of nothing that was before it.
func noticesOf(h *bunker.Happening, channels []bunker.Channel) []bunker.Notice {
	class := h.Notice.Class()
	var out []bunker.Notice
	for i := range channels {
		c := &channels[i]
		if class == "" || !c.Settings.Hears(class) || h.At < c.CreatedAt {
			continue
		}
		due := h.At + gatherFor.Milliseconds()
		if class == bunker.ClassQuestions {
			due = max(due, h.At+c.Settings.After)
		}
		out = append(out, bunker.Notice{
			Tenant: c.Tenant, ID: bunker.NewNoticeID(), Channel: c.Name, Kind: h.Notice, Source: "record " + strconv.FormatInt(h.Seq, 10),
			Object: h.ID, Key: h.Key, Connection: h.Connection, At: h.At, Due: due, State: bunker.NoticeWaiting,
		})
	}
	return out
}

// planConditions makes notices of what is the matter, if it was not looked at of late.
func (n *Notifier) planConditions(ctx context.Context, channels []bunker.Channel) error {
	at := n.Now()
	if len(channels) == 0 || !n.again.Swap(false) && !n.looked.IsZero() && !at.Before(n.looked) && at.Sub(n.looked) < conditionsEvery {
		return nil
	}
	n.looked = at
	now := at.UnixMilli()
	var list []bunker.Notice
	for _, c := range n.Around.Conditions(ctx) {
		for i := range channels {
			ch := &channels[i]
			if !ch.Settings.Hears(c.Kind.Class()) {
				continue
			}
			list = append(list, bunker.Notice{
				Tenant: ch.Tenant, ID: bunker.NewNoticeID(), Channel: ch.Name, Kind: c.Kind, Source: c.Source, Object: c.Object,
				At: now, Due: now + gatherFor.Milliseconds(), State: bunker.NoticeWaiting,
			})
		}
	}
	if len(list) == 0 {
		return nil
	}
	return n.Outbox.AddNotices(ctx, n.seen, list)
}

// heldBack reports that a notice waits for the end of its channel's quiet hours.
func heldBack(s *bunker.ChannelSettings, k bunker.NoticeKind, now time.Time) bool {
	if s.Quiet == "" || k.Class() == bunker.ClassAlarms && !s.QuietAlarms {
		return false
	}
	q, err := bunker.ParseQuiet(s.Quiet, s.Zone)
	return err == nil && q.At(now) // what cannot be read silences nobody
}
