package inbox

import (
	"context"
	"time"
)

const (
	// pruneEvery is how often old rows are looked for.
	pruneEvery = 5 * time.Minute
	// diaryEvery is how often refusals of strangers are recorded, as a number.
	diaryEvery = time.Minute
)

// Run works off what is due: at start, whenever it is woken, and every
// Limits.Sweep. It returns when ctx ends and nothing is in flight any more.
func (in *Inbox) Run(ctx context.Context) error {
	in.crew.start()
	defer in.crew.stop()
	tick := time.NewTicker(in.Limits.Sweep)
	defer tick.Stop()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	diary := time.NewTicker(diaryEvery)
	defer diary.Stop()
	for {
		in.sweep(ctx)
		select {
		case <-ctx.Done():
			close(in.stopped)
			in.gate.Lock()
			in.closed = true
			in.gate.Unlock()
			in.work.Wait()
			return nil
		case <-prune.C:
			if n, err := in.Backlog.Prune(ctx); err != nil {
				in.Log.Error("old rows could not be pruned", "error", err)
			} else if n > 0 {
				in.Log.Debug("old rows were pruned", "rows", n)
			}
		case <-diary.C:
			in.diary(ctx)
		case <-tick.C:
		case <-in.wake:
		}
	}
}

// sweep is the one answer to crashes, lost publishes and passed deadlines.
func (in *Inbox) sweep(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if _, err := in.Backlog.ExpireApprovals(ctx); err != nil && ctx.Err() == nil {
		in.Log.Error("questions could not be expired", "error", err)
	}
	parked, err := in.Backlog.DueParked(ctx, in.Limits.SweepBatch)
	if err != nil && ctx.Err() == nil {
		in.Log.Error("parked requests could not be read", "error", err)
	}
	for _, p := range parked {
		in.spawn(func() { in.replay(ctx, p) })
	}
	due, err := in.Backlog.Due(ctx, in.Limits.SweepBatch)
	if err != nil && ctx.Err() == nil {
		in.Log.Error("undelivered replies could not be read", "error", err)
	}
	in.publish(due)
	for _, id := range in.resent.due(in.Now(), in.Limits.ResendEvery) {
		_, stored, err := in.Ledger.Request(ctx, id)
		if err != nil {
			in.Log.Error("a reply that was asked for again could not be read", "request", id, "error", err)
			continue
		}
		in.publish(stored)
	}
	in.held.expire(in.Now())
	in.resent.expire(in.Now())
}

// spawn runs f in the background unless Run is ending.
func (in *Inbox) spawn(f func()) bool {
	in.gate.RLock()
	defer in.gate.RUnlock()
	if in.closed {
		return false
	}
	in.work.Go(f)
	return true
}
