package daemon

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/store"
)

// forgeries counts the forged events that clients of the embedded relay sent.
type forgeries struct {
	mu     sync.Mutex
	minute time.Time
	n      map[string]int
}

// add counts one and reports whether the link must be cut.
func (f *forgeries) add(link string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := now.Truncate(time.Minute); m != f.minute || f.n == nil {
		f.minute, f.n = m, map[string]int{}
	}
	f.n[link]++
	return f.n[link] > relay.MaxBadSignatures
}

// badSignature notes a forged event against whoever brought it: over 20 a minute
// the link is cut (security.md section 5, Flood).
func (d *Daemon) badSignature(link string) {
	if strings.Contains(link, "://") {
		d.relays.BadSignature(link)
		return
	}
	if d.forged.add(link, d.store.LedgerTime()) {
		d.embedded.Cut(link, "too many forged events")
	}
}

// diary writes records that belong to no row.
type diary struct{ t *tenant }

func (w diary) Write(ctx context.Context, r bunker.AuditRecord) error {
	return w.t.store.Change(ctx, w.t.id, System(), func(tx *store.Tx) error { return tx.Audit(r) })
}

// Once implements [inbox.Diary].
func (w diary) Once(ctx context.Context, r bunker.AuditRecord, in time.Duration) error {
	return w.t.store.Change(ctx, w.t.id, System(), func(tx *store.Tx) error {
		name := "recorded " + r.Action
		last, err := tx.Setting(name)
		if err != nil {
			return err
		}
		// What cannot be read was never written.
		if at, err := strconv.ParseInt(last, 10, 64); err == nil && tx.Now()-at < in.Milliseconds() {
			return nil
		}
		return errors.Join(tx.PutSetting(name, strconv.FormatInt(tx.Now(), 10)), tx.Audit(r))
	})
}
