package audit

import (
	"fmt"
	"sort"

	"nsecbunker/nostr"
)

// What can be wrong with a chain.
type What string

// The faults. A record that was edited together with its hash shows as an edit
// of the record after it, since it is there that the chain breaks: the words
// name both.
const (
	Edited   What = "edited"
	Deleted  What = "deleted"
	Swapped  What = "swapped"
	Inserted What = "inserted"
	Cut      What = "cut"       // the tail after a checkpoint's record is gone
	Rewrote  What = "rewritten" // whole in itself, but not the chain of a checkpoint
	Forged   What = "forged"    // a checkpoint whose signature or key is wrong
	Foreign  What = "foreign"   // a record of another tenant
	Garbled  What = "garbled"   // a line or a body that cannot be read
)

// Fault is one thing that is wrong, at a record's number.
type Fault struct {
	What What
	Seq  int64
	Last int64 // last number of a range of deleted records; else Seq
	Text string
}

func (f Fault) Error() string { return f.Text }

// MaxFaults are kept of one verification; the rest are only counted.
const MaxFaults = 100

// MaxHeld bounds the checkpoints that one verification holds.
const MaxHeld = 100_000

// Report is the outcome of a verification.
type Report struct {
	Records  int64 // that were read
	Seq      int64 // number of the last record, 0 for an empty chain
	Head     Head  // after it
	Faults   []Fault
	Unlisted int // faults over MaxFaults
	// UpTo is the highest checkpoint that the chain agrees with, 0 for none:
	// whole up to there, as held by whoever holds the checkpoint.
	UpTo        int64
	Checkpoints int // that agree
}

// Whole reports whether nothing is wrong.
func (r Report) Whole() bool { return len(r.Faults) == 0 }

// Verifier checks a chain record by record, in the order of the export. The
// zero value is not usable; see NewVerifier.
type Verifier struct {
	tenant  string
	key     nostr.PubKey
	held    map[int64][]Signed // by number, not yet met
	started bool
	last    int64 // highest number so far
	head    Head
	missing map[int64]int64 // first → last of ranges not seen yet
	report  Report
}

// NewVerifier checks the chain of a tenant. trusted is the audit key that
// checkpoints must be of; zero accepts the key that each one names, which
// proves only that the checkpoint and the chain agree. held are checkpoints
// from before, in any order.
func NewVerifier(tenant string, trusted nostr.PubKey, held []Signed) *Verifier {
	v := &Verifier{tenant: tenant, key: trusted, held: map[int64][]Signed{}, missing: map[int64]int64{}}
	for _, s := range held {
		v.Checkpoint(s)
	}
	return v
}

// Checkpoint adds one more checkpoint to hold the chain against: before its
// record or right after it, as exports have them.
func (v *Verifier) Checkpoint(s Signed) {
	if s.Tenant != v.tenant {
		v.fault(Foreign, s.Seq, "the checkpoint at record %d is of tenant %q, not %q", s.Seq, s.Tenant, v.tenant)
		return
	}
	if err := s.Verify(v.key); err != nil {
		v.fault(Forged, s.Seq, "%s", err)
		return
	}
	switch {
	case v.started && s.Seq < v.last:
		v.fault(Swapped, s.Seq, "the checkpoint at record %d is out of its place: it comes after record %d", s.Seq, v.last)
	case len(v.held) >= MaxHeld:
		v.fault(Garbled, s.Seq, "more than %d checkpoints wait for their records; give fewer", MaxHeld)
	default:
		v.held[s.Seq] = append(v.held[s.Seq], s)
		if v.started && s.Seq == v.last {
			v.meet(s.Seq)
		}
	}
}

// Add checks the next record.
func (v *Verifier) Add(l Line) {
	v.report.Records++
	r, err := ParseBody(l.Body)
	if err != nil {
		v.fault(Garbled, v.last+1, "the record after %d cannot be read: %s", v.last, err)
		v.head = l.Hash
		return
	}
	if r.Tenant != v.tenant {
		v.fault(Foreign, r.Seq, "record %d is of tenant %q, not %q", r.Seq, r.Tenant, v.tenant)
	}
	if !v.started {
		v.start(r.Seq)
	}
	switch {
	case r.Seq == v.last+1:
		v.follow(l)
	case r.Seq > v.last+1:
		v.missing[v.last+1] = r.Seq - 1
	default:
		v.late(r.Seq)
		return // the chain goes on from the record before it
	}
	v.last, v.head = r.Seq, l.Hash
	v.meet(r.Seq)
}

// start anchors a chain whose first records were pruned: at the checkpoint
// before it, or at nothing.
func (v *Verifier) start(seq int64) {
	v.started = true
	if s := v.held[seq-1]; seq > 1 && len(s) > 0 {
		v.last, v.head = seq-1, s[0].Head
		v.meet(seq - 1)
	}
}

func (v *Verifier) follow(l Line) {
	if Next(v.head, l.Body) == l.Hash {
		return
	}
	seq := v.last + 1
	if seq == 1 {
		v.fault(Edited, seq, "record 1 was edited: its text does not give its hash")
		return
	}
	v.fault(Edited, seq, "record %d was edited, or record %d and its hash were: text and hashes do not fit together", seq, seq-1)
}

// late is a record whose number was passed: it fills a gap (out of its place)
// or is one too many.
func (v *Verifier) late(seq int64) {
	for first, last := range v.missing {
		if seq < first || seq > last {
			continue
		}
		delete(v.missing, first)
		if first < seq {
			v.missing[first] = seq - 1
		}
		if seq < last {
			v.missing[seq+1] = last
		}
		v.fault(Swapped, seq, "record %d is out of its place: it comes after record %d", seq, v.last)
		return
	}
	v.fault(Inserted, seq, "a second record with the number %d was inserted after record %d", seq, v.last)
}

func (v *Verifier) meet(seq int64) {
	for _, s := range v.held[seq] {
		if s.Head == v.head {
			v.report.UpTo = max(v.report.UpTo, seq)
			v.report.Checkpoints++
			continue
		}
		v.fault(Rewrote, seq, "the chain was rewritten: at record %d it does not have the head of the checkpoint that was signed then", seq)
	}
	delete(v.held, seq)
}

// Report ends the verification.
func (v *Verifier) Report() Report {
	for first, last := range v.missing {
		f := Fault{Deleted, first, last, fmt.Sprintf("record %d is missing: it was deleted", first)}
		if last > first {
			f.Text = fmt.Sprintf("records %d to %d are missing: they were deleted", first, last)
		}
		v.keep(f)
	}
	v.missing = map[int64]int64{}
	for seq := range v.held {
		if seq > v.last {
			v.fault(Cut, seq, "the end of the chain was cut off: it stops at record %d, and there is a checkpoint at record %d", v.last, seq)
		}
	}
	v.held = map[int64][]Signed{}
	v.report.Seq, v.report.Head = v.last, v.head
	sort.SliceStable(v.report.Faults, func(i, j int) bool { return v.report.Faults[i].Seq < v.report.Faults[j].Seq })
	return v.report
}

func (v *Verifier) fault(what What, seq int64, format string, args ...any) {
	v.keep(Fault{what, seq, seq, fmt.Sprintf(format, args...)})
}

func (v *Verifier) keep(f Fault) {
	if len(v.report.Faults) >= MaxFaults {
		v.report.Unlisted++
		return
	}
	v.report.Faults = append(v.report.Faults, f)
}
