package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

const (
	// maxWaiting entries wait for the next group in the order in which they came, and
	// as many in the line of their tenant; further callers of Commit wait for a place,
	// or for their context to end.
	maxWaiting = 4096
	// maxGroup entries are committed together. It bounds the time that a change
	// by an admin waits behind a group.
	maxGroup = 512
	// maxGroupShared is maxGroup where there is more than one tenant: another's entry
	// waits for the group before it, and for its own, so they are kept short.
	maxGroupShared = 64
	// maxRounds is how often a group lets others run before it begins.
	maxRounds = 8
	// lazyEvery is how long deliveries wait for a group to ride with.
	lazyEvery = time.Second
	// usesEvery is how many of these times lie between writes of uses.
	usesEvery = 30
	// publishFor is how long the committing instance publishes a reply before a
	// sweep may: it spares doubles, nothing rests on it (ledger.md, Publisher).
	publishFor = 10 * time.Second
)

// waiting is an entry on its way to a group.
type waiting struct {
	ctx  context.Context
	e    *bunker.Entry
	macs macs
	no   int64              // of its row, once its group has written it
	done chan bunker.Result // buffered
}

// macs are the MACs of an entry's new rows, made before the group so that the
// committer does not wait for the vault.
type macs struct {
	created, updated, token []byte
	grants                  [][]byte
}

// errNotRunning is given to entries that no group will take any more.
var errNotRunning = errors.New("the store is closing")

// Commit stores an entry with its effects, audit record and reply, all or
// nothing, in a group with what else waits, and returns when that is synced.
// See [bunker.Outcome] for what the caller does next. The error is the same as
// Result.Err. It is safe for concurrent use, and needs Run.
func (s *Store) Commit(ctx context.Context, e *bunker.Entry) (bunker.Result, error) {
	w := &waiting{ctx: ctx, e: e, done: make(chan bunker.Result, 1)}
	err := checkEntry(e)
	if err == nil {
		err = s.tagEntry(w)
	}
	if err != nil {
		return failed(err)
	}
	select {
	case s.queue <- w:
	case <-s.stopped:
		return failed(errNotRunning)
	case <-ctx.Done():
		return failed(ctx.Err())
	}
	// From here on the group decides, not the caller's context: an outcome that
	// nobody hears would be sent by the sweep, later.
	select {
	case r := <-w.done:
		return r, r.Err
	case <-s.stopped:
		select {
		case r := <-w.done:
			return r, r.Err
		default:
			return failed(errNotRunning)
		}
	}
}

func failed(err error) (bunker.Result, error) {
	return bunker.Result{Outcome: bunker.Failed, Err: err}, err
}

// checkEntry refuses what no decision can mean: these are bugs.
func checkEntry(e *bunker.Entry) error {
	switch {
	case !bunker.May(string(e.From), string(e.To)), e.To != bunker.RequestReady && e.To != bunker.RequestParked:
		return fmt.Errorf("commit: a request cannot go from %q to %q", e.From, e.To)
	case e.To == bunker.RequestReady && (e.Reply == nil || e.Reply.Part != bunker.PartFinal):
		return errors.New("commit: a request that is ready needs its final reply")
	case e.To == bunker.RequestParked && e.Reply != nil && e.Reply.Part != bunker.PartAuthURL:
		return errors.New("commit: a parked request has no final reply")
	case e.Reply != nil && len(e.Reply.Bytes) == 0:
		return errors.New("commit: a reply without bytes")
	case e.To == bunker.RequestParked && (len(e.Envelope) == 0 || (e.NewApproval == nil) == (e.JoinApproval == "")):
		return errors.New("commit: a parked request needs its envelope and one question")
	case e.To == bunker.RequestReady && (e.NewApproval != nil || e.JoinApproval != ""):
		return errors.New("commit: a request that is ready asks nothing")
	case len(e.Charges) > 0 && (e.To != bunker.RequestReady || e.Audit.Effect != bunker.Allow.String()), len(e.SpendAlso) > 0 && e.Spend == "":
		return errors.New("commit: only what is allowed is charged")
	case e.Seat && (e.To != bunker.RequestReady || e.Audit.Effect != bunker.Allow.String() || e.Connection == "" || e.NewConnection != nil):
		return errors.New("commit: a seat is for what a connection is allowed")
	case e.Connection != "" && e.NewConnection == nil && e.Basis.Connection != e.Connection:
		return errors.New("commit: the decision did not read its connection")
	case e.UpdateConnection != nil && e.UpdateConnection.Version != e.Basis.ConnectionVersion+1,
		e.UpdateToken != nil && (e.UpdateToken.ID != e.Basis.Token || e.UpdateToken.Version != e.Basis.TokenVersion+1):
		return errors.New("commit: a changed row must have the version after the one that was read")
	case e.Keep != nil && (e.To != bunker.RequestReady || e.Keep.Tenant != e.Tenant || e.Keep.Key != e.Basis.Key || e.Keep.Seq < 1 || len(e.Keep.Sealed) == 0):
		return errors.New("commit: a version is kept of what was signed, sealed, of the key that was read")
	}
	return nil
}

// tagEntry makes the MACs of the rows that the entry writes.
func (s *Store) tagEntry(w *waiting) error {
	e := w.e
	tag := func(a bunker.Authority, to *[]byte) error {
		mac, err := s.auth.Tag(a)
		*to = mac[:]
		return err
	}
	var errs [3]error
	if e.NewConnection != nil {
		errs[0] = tag(e.NewConnection, &w.macs.created)
	}
	if e.UpdateConnection != nil {
		errs[1] = tag(e.UpdateConnection, &w.macs.updated)
	}
	if e.UpdateToken != nil {
		errs[2] = tag(e.UpdateToken, &w.macs.token)
	}
	for _, g := range e.NewGrants {
		var mac []byte
		if err := tag(g, &mac); err != nil {
			return err
		}
		w.macs.grants = append(w.macs.grants, mac)
	}
	return errors.Join(errs[:]...)
}

// Run is the committer: what waited during the last commit is the next group.
// It ends with ctx, after committing what waits; call it once.
func (s *Store) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("store: Run was called twice")
	}
	defer close(s.stopped)
	lazy := time.NewTicker(lazyEvery)
	defer lazy.Stop()
	var waits host.Turns[*waiting]
	uses := 0 // ticks since they were written
	for {
		if waits.Len() == 0 {
			select {
			case w := <-s.queue:
				waits.Add(w.e.Tenant, w)
			case <-lazy.C:
				if uses++; s.lazy.waiting(uses >= usesEvery) {
					s.commitGroup(nil, uses >= usesEvery)
				}
				uses %= usesEvery
				continue
			case <-ctx.Done():
				s.commitRest()
				return nil
			}
		}
		s.commitGroup(s.gather(&waits), false)
	}
}

// commitRest commits what waits at the end.
func (s *Store) commitRest() {
	var waits host.Turns[*waiting]
	for ws := s.gather(&waits); len(ws) > 0; ws = s.gather(&waits) {
		s.commitGroup(ws, false)
	}
	if s.lazy.waiting(true) {
		s.commitGroup(nil, true)
	}
}

// gather takes what waits, up to maxGroup, of each tenant in turn; up to maxGroupShared
// once there was something of a second tenant.
//
// Before, everything else that can run may run, for as long as that brings more
// entries. Where nothing can, this costs nothing, and the group is what waits; on
// a busy machine it is all the requests that are being decided, and one fsync
// serves them all. There is no timer.
func (s *Store) gather(waits *host.Turns[*waiting]) []*waiting {
	most := maxGroup
	if s.shared {
		most = maxGroupShared
	}
	for n, round := -1, 0; round < maxRounds && n < len(s.queue) && len(s.queue)+waits.Len() < most; round++ {
		n = len(s.queue)
		runtime.Gosched()
	}
	for more := true; more && waits.Len() < maxWaiting; {
		select {
		case w := <-s.queue:
			waits.Add(w.e.Tenant, w)
		default:
			more = false
		}
	}
	ws := make([]*waiting, 0, min(waits.Len(), most))
	for len(ws) < most {
		w, ok := waits.Next()
		if !ok {
			break
		}
		s.shared = s.shared || s.of != "" && s.of != w.e.Tenant
		s.of = w.e.Tenant
		ws = append(ws, w)
	}
	return ws
}

// group is one transaction of many entries.
type group struct {
	s       *Store
	ws      []*waiting
	results []bunker.Result
	heads   []*head // in order of tenant, locked in that order
	wall    int64
	careful bool
	touched []viewKey // of entries that changed rows of a view
	spent   spent     // of budgets
	body    []byte    // of the record that is written just now
}

// errCareful ends a group that was tried without savepoints and needs them.
var errCareful = errors.New("an entry must be undone alone")

// commitGroup commits entries and deliveries, and, if uses is set, what counts
// uses of connections.
func (s *Store) commitGroup(ws []*waiting, uses bool) {
	live := ws[:0]
	for _, w := range ws {
		if err := w.ctx.Err(); err != nil { // nobody waits, and nothing was promised
			w.done <- bunker.Result{Outcome: bunker.Failed, Err: err}
			continue
		}
		live = append(live, w)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	g := &group{s: s, ws: live, wall: s.clock.now().UnixMilli()}
	lazy := s.lazy.take(uses)
	err := g.try(lazy)
	if errors.Is(err, errCareful) {
		g.careful = true
		err = g.try(lazy)
	}
	if len(g.touched) > 0 { // before anybody hears of it, whatever became of it
		s.views.drop(g.touched...)
	}
	if err != nil {
		err = s.explain("storing a decision", err)
		s.log.Error("a group of requests could not be stored", "requests", len(live), "error", err)
	}
	var told []bunker.TenantID // in a group of one tenant, or some
	for i, w := range live {
		if news(w) && !slices.Contains(told, w.e.Tenant) { // before the caller has its entry back
			told = append(told, w.e.Tenant)
		}
		r := g.results[i]
		if err != nil && r.Outcome != bunker.Committed && r.Outcome != bunker.Taken {
			r = bunker.Result{Outcome: bunker.Failed, Err: err}
		}
		if r.Outcome == bunker.Taken {
			r = s.taken(w.e)
		}
		if r.Outcome == bunker.Committed {
			s.lazy.used(w.e, g.wall)
			if w.e.To == bunker.RequestReady {
				s.lazy.number(w.e.EventID, w.no)
			}
			if w.e.Reply != nil {
				r.Replies = []bunker.Stored{stored(w.e)}
			}
		}
		w.done <- r
	}
	for _, t := range told {
		s.committed(t)
	}
	if s.budgets.full(uses) {
		if err := s.countNow(); err != nil {
			s.log.Error("what was used of budgets could not be counted into their rows; it stays in their log, and is counted later", "error", err)
		}
	}
}

// news reports an entry that [Store.Happened] tells of when it is committed.
func news(w *waiting) bool { return w.e.To == bunker.RequestParked || w.e.NewConnection != nil }

func stored(e *bunker.Entry) bunker.Stored {
	return bunker.NewStored(e.Tenant, e.EventID, e.Signer, e.Client, e.Relays, *e.Reply)
}

// try runs the group's transaction. After an error only results of Committed
// and Taken hold: those of a COMMIT whose outcome had to be read back.
func (g *group) try(lazy lazyWork) error {
	g.results = make([]bunker.Result, len(g.ws))
	g.heads, g.spent = nil, spent{}
	if err := g.s.begin(); err != nil {
		return err
	}
	if err := g.fill(lazy); err != nil {
		clear(g.results)
		return errors.Join(err, g.s.rollback())
	}
	err := g.s.commit()
	if err != nil {
		g.s.budgets.clear()
		return g.settle(errors.Join(err, g.s.rollback()))
	}
	for _, h := range g.heads {
		g.s.clock.committedAt(h.LedgerTime)
	}
	if len(g.spent.m) > 0 {
		g.s.budgets.spent(&g.spent)
	}
	return nil
}

func (g *group) fill(lazy lazyWork) error {
	if err := g.lockHeads(); err != nil {
		return err
	}
	edited, err := g.s.editedBeside()
	if err != nil {
		return err
	}
	if edited { // what the decisions rest on may have been kept, and edited since
		for i := range g.results {
			g.results[i].Outcome = bunker.Moved
		}
		return g.s.writeLazy(lazy)
	}
	for i, w := range g.ws {
		h := g.head(w.e.Tenant)
		if h == nil {
			g.results[i].Err = notFound("tenant", string(w.e.Tenant))
			continue
		}
		out, err := g.apply(w, h)
		if err != nil && !ofEntry(err) {
			return err
		}
		g.results[i] = bunker.Result{Outcome: out, Err: err}
	}
	if err := g.writeSpent(); err != nil {
		return err
	}
	for _, h := range g.heads {
		if _, err := g.s.exec(stmtHead, h.ChainSeq, h.ChainHead[:], h.LedgerTime, string(h.Tenant)); err != nil {
			return err
		}
	}
	return g.s.writeLazy(lazy)
}

// lockHeads takes the locks of the group's tenants, in order of id, so that two
// instances cannot wait for each other.
func (g *group) lockHeads() error {
	var ids []bunker.TenantID
	for _, w := range g.ws {
		if i := sort.Search(len(ids), func(i int) bool { return ids[i] >= w.e.Tenant }); i == len(ids) || ids[i] != w.e.Tenant {
			ids = append(ids, "")
			copy(ids[i+1:], ids[i:])
			ids[i] = w.e.Tenant
		}
	}
	for _, id := range ids {
		h, err := fillHead(g.s.stmts[stmtReadHead].QueryRowContext(context.Background(), string(id)), id)
		var unknown *bunker.Error
		if errors.As(err, &unknown) && unknown.Code == bunker.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		h.LedgerTime = max(g.wall, h.LedgerTime)
		g.heads = append(g.heads, h)
	}
	return nil
}

func (g *group) head(t bunker.TenantID) *head {
	for _, h := range g.heads {
		if h.Tenant == t {
			return h
		}
	}
	return nil
}

// settle finds out what a COMMIT with an unknown outcome did, entry by entry:
// what is stored is committed, or taken by another; what is absent failed.
func (g *group) settle(cause error) error {
	for i, w := range g.ws {
		if g.results[i].Outcome != bunker.Committed {
			g.results[i] = bunker.Result{}
			continue
		}
		out, err := g.s.reread(w.e)
		if err != nil {
			out, cause = bunker.Failed, errors.Join(cause, err)
		}
		g.results[i].Outcome = out
	}
	return cause
}
