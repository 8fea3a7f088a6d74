package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
)

func copyCommands(t *Table) {
	add(t, Command{
		Name: "copy.stop", Summary: "Stops everything, as another copy of this bunker was heard that is as new or newer.",
		Role: bunker.Owner, Doors: []bunker.Door{bunker.DoorSystem}, Writes: true,
	}, t.copyStop)
	add(t, Command{
		Name: "copy.older", Summary: "Records that an older copy of this bunker was heard, once for each of its lives.",
		Role: bunker.Owner, Doors: []bunker.Door{bunker.DoorSystem}, Writes: true,
	}, t.copyOlder)
}

// copySetting holds [heardCopies].
const copySetting = "copy"

// heardCopies is what was heard of other copies of this bunker.
type heardCopies struct {
	// Stopped is the newest of those for which this one was stopped; nil when it was not.
	Stopped *HeardCopy `json:"stopped,omitempty"`
	// Older is the last incarnation that was older than this one and heard all the same.
	Older string `json:"older,omitempty"`
}

// HeardCopy is a copy of the bunker that announced itself, and when.
type HeardCopy struct {
	Life        int64  `json:"life" doc:"number of its incarnation"`
	Incarnation string `json:"incarnation"`
	Instance    string `json:"instance" doc:"the process that said it"`
	At          Time   `json:"at"`
}

func parseHeardCopies(text string) (h heardCopies, err error) {
	if text == "" {
		return h, nil
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return h, fmt.Errorf("what was heard of other copies cannot be read: %w", err)
	}
	return h, nil
}

func (h *heardCopies) text() string {
	if *h == (heardCopies{}) {
		return ""
	}
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(b)
}

// CopyVerdict is what an announcement that was heard means. The zero value is nothing.
type CopyVerdict int

// What an announcement means.
const (
	CopyNone      CopyVerdict = iota // its own, or nothing new of one that is stopped for
	CopyKnown                        // an older copy that was heard before: it may not know of this one
	CopyOlder                        // an older copy: it has to stop
	CopyStopsThis                    // as new, or newer: this one has to stop
)

// judgeCopy is the one place that judges an announcement.
func judgeCopy(st *bunker.TenantState, own bunker.Announced, heard *heardCopies, c *CopyParams) CopyVerdict {
	switch {
	case own.Has(c.Said):
		return CopyNone
	case c.Life >= st.IncarnationNo:
		if st.Stopped && heard.Stopped != nil && heard.Stopped.Life >= c.Life {
			return CopyNone
		}
		return CopyStopsThis
	case c.At <= st.RefuseBefore: // of before this life began
		return CopyNone
	case heard.Older == c.Incarnation:
		return CopyKnown
	}
	return CopyOlder
}

// JudgeCopy says what an announcement means that came from the bunker's own admin key.
// The bunker is unsealed. It needs no table: most of what is heard is its own.
func JudgeCopy(ctx context.Context, rows CopyRows, t bunker.TenantID, p *CopyParams) (CopyVerdict, error) {
	st, verified, err := rows.Tenant(ctx, t)
	if err != nil || !verified {
		return CopyNone, err
	}
	own, heard, err := copiesKnown(func(name string) (string, error) { return rows.Setting(ctx, t, name) })
	if err != nil {
		return CopyNone, err
	}
	return judgeCopy(&st, own, &heard, p), nil
}

// CopyRows are what an announcement is judged by.
type CopyRows interface {
	Tenant(ctx context.Context, t bunker.TenantID) (st bunker.TenantState, verified bool, err error)
	Setting(ctx context.Context, t bunker.TenantID, name string) (string, error)
}

func copiesKnown(setting func(name string) (string, error)) (own bunker.Announced, heard heardCopies, err error) {
	text, err := setting(bunker.AnnouncedSetting)
	if err == nil {
		own, err = bunker.ParseAnnounced(text)
	}
	if err != nil {
		return own, heard, err
	}
	text, err = setting(copySetting)
	if err == nil {
		heard, err = parseHeardCopies(text)
	}
	return own, heard, err
}

// CopyParams are those of copy.stop and copy.older: an announcement.
type CopyParams struct {
	Said        string `json:"said" doc:"the announcement's name"`
	Life        int64  `json:"life" doc:"number of the copy's incarnation"`
	Incarnation string `json:"incarnation"`
	Instance    string `json:"instance" doc:"the process that said it"`
	At          int64  `json:"at" doc:"unix ms"`
}

func (p *CopyParams) heard() HeardCopy {
	return HeardCopy{p.Life, p.Incarnation, p.Instance, Time(p.At)}
}

func (p *CopyParams) words() string {
	return fmt.Sprintf("life %d (%s), instance %s, at %s", p.Life, clip(p.Incarnation), clip(p.Instance), time.UnixMilli(p.At).UTC().Format(time.RFC3339))
}

// errOther is that the verdict is another one by now.
var errOther = errors.New("admin: the announcement means something else by now")

// judged is a change that is made if the announcement still means what it is made for.
func (t *Table) judged(ctx context.Context, c *Call, p *CopyParams, means CopyVerdict, rec *bunker.AuditRecord, f func(tx Tx, h *heardCopies) error) (did bool, err error) {
	err = c.Commit(ctx, rec, func(tx Tx) error {
		own, heard, err := copiesKnown(tx.Setting)
		if err != nil {
			return err
		}
		st := tx.Tenant()
		if judgeCopy(&st, own, &heard, p) != means {
			return errOther
		}
		if err := f(tx, &heard); err != nil {
			return err
		}
		return tx.PutSetting(copySetting, heard.text())
	})
	if errors.Is(err, errOther) {
		return false, c.Recorded(nil)
	}
	return err == nil, err
}

// copyStop is as durable as a stop by a person, and ends as one does.
func (t *Table) copyStop(ctx context.Context, c *Call, p CopyParams) (stopResult, error) {
	t.memory.Lock()
	defer t.memory.Unlock()
	rec := &bunker.AuditRecord{Object: clip(p.Instance), Reason: "another copy of this bunker runs: " + p.words() + "; every key is locked, every connection suspended"}
	did, err := t.judged(ctx, c, &p, CopyStopsThis, rec, func(tx Tx, h *heardCopies) error {
		other := p.heard()
		h.Stopped = &other
		return tx.StopEverything()
	})
	if err != nil || !did {
		return stopResult{}, err
	}
	err = t.Vault.LockAll(t.Tenant)
	res := stopResult{Warnings: behindWords(t.Around.Changed())}
	t.Around.Wake()
	return res, err
}

func (t *Table) copyOlder(ctx context.Context, c *Call, p CopyParams) (Empty, error) {
	rec := &bunker.AuditRecord{Object: clip(p.Instance), Reason: "an older copy of this bunker ran: " + p.words() + "; it stops when it hears of this one"}
	_, err := t.judged(ctx, c, &p, CopyOlder, rec, func(_ Tx, h *heardCopies) error {
		h.Older = p.Incarnation
		return nil
	})
	return Empty{}, err
}

// outlive ends a stop for another copy: this bunker is the right one, so its life goes on
// above that of the copy, which stops for good when it hears of it. words are for the log.
func outlive(tx Tx) (words string, err error) {
	_, heard, err := copiesKnown(tx.Setting)
	if err != nil || heard.Stopped == nil {
		return "", err
	}
	other := heard.Stopped.Life
	heard.Stopped = nil
	if err := errors.Join(tx.BeginLifeAbove(other), tx.PutSetting(copySetting, heard.text())); err != nil {
		return "", err
	}
	return fmt.Sprintf("this one is the right one: its life is number %d now, and the other copy stops when it hears of it", tx.Tenant().IncarnationNo), nil
}

// statusCopy tells of the copy for which the bunker was stopped.
func (t *Table) statusCopy(ctx context.Context, res *statusResult) error {
	text, err := t.Rows.Setting(ctx, t.Tenant, copySetting)
	if err != nil {
		return err
	}
	heard, err := parseHeardCopies(text)
	if err == nil && res.State == "stopped" {
		res.Copy = heard.Stopped
	}
	return err
}
