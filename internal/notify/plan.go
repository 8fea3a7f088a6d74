package notify

import (
	"context"
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
)

// plan makes notices of what was committed since the last time.
func (n *Notifier) plan(ctx context.Context, channels []bunker.Channel) error {
	for {
		recs, upTo, err := n.Log.Happened(ctx, n.seen, pageOfLog)
		if err != nil {
			return err
		}
		if upTo <= n.seen {
			break
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
		if len(recs) < pageOfLog {
			break
		}
	}
	if now := n.Now(); len(channels) > 0 && (n.again.Swap(false) || n.looked.IsZero() || now.Sub(n.looked) >= conditionsEvery || now.Before(n.looked)) {
		n.looked = now
		return n.planConditions(ctx, channels)
	}
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

func (n *Notifier) planConditions(ctx context.Context, channels []bunker.Channel) error {
	now := n.Now().UnixMilli()
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
