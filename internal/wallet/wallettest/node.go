// Package wallettest has Lightning wallets for tests: a node whose invoices are
// real texts that nobody can pay and that a test settles, and before it four doors
// that speak NIP-47, LNbits, phoenixd and lnd's REST over real sockets. Each can be
// slow, wrong, silent, and can lose, double and reorder its notices.
package wallettest

import (
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"

	"nsecbunker/internal/bunker"
)

// Manners are what a wallet does that it should not. The zero value has none.
type Manners struct {
	LoseNotices   bool // gives no notice of a payment
	DoubleNotices int  // gives each so often more
	HoldNotices   bool // keeps them back; Release gives them, the last one first
	Slow          bool // takes requests and does not answer, until the manners change
	Garbage       bool // answers what is not JSON
	Huge          bool // answers megabytes
	Status        int  // answers this HTTP status, or a fault over NIP-47
	Redirect      string
	WrongAmount   bool // its invoices are over a satoshi more
	WrongHash     bool // it says another hash than its invoice has; look-ups answer of another invoice
	BadInvoice    bool // its invoices' signatures are of something else
	Expired       bool // its invoices are of last week
	Forget        bool // it does not know its invoices when asked
}

// Node keeps invoices. The zero value is not usable; see New.
type Node struct {
	now     func() time.Time
	key     *btcec.PrivateKey
	network string

	mu      sync.Mutex
	changed chan struct{} // closed when the manners change
	manners Manners
	list    []*bunker.Invoice
	heard   map[int]func(bunker.Invoice)
	next    int
	held    []bunker.Invoice
	asked   int
	arrived chan struct{} // closed when somebody begins to listen
}

// New returns a node on mainnet ("bc"), so that its invoices look like real ones.
// They are signed by a key of its own, and no channel leads to it.
func New(now func() time.Time) *Node {
	key, err := btcec.NewPrivateKey()
	if err != nil {
		panic(err) // the system has no random bytes
	}
	return &Node{now: now, key: key, network: "bc", changed: make(chan struct{}), arrived: make(chan struct{}), heard: map[int]func(bunker.Invoice){}}
}

// Behave changes the manners and lets go whoever waits.
func (n *Node) Behave(m Manners) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.manners = m
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *Node) behaviour() (Manners, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	return n.manners, n.changed
}

// Asked is how many requests came in by all doors.
func (n *Node) Asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// Invoices returns all invoices, the oldest first.
func (n *Node) Invoices() []bunker.Invoice {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []bunker.Invoice
	for _, i := range n.list {
		out = append(out, *i)
	}
	return out
}

// create makes an invoice.
func (n *Node) create(msat int64, memo string, expiry time.Duration) bunker.Invoice {
	n.mu.Lock()
	defer n.mu.Unlock()
	var preimage [32]byte
	rand.Read(preimage[:])
	now := n.now().Truncate(time.Second)
	inv := &bunker.Invoice{Hash: sha256.Sum256(preimage[:]), AmountMsat: msat, Memo: memo, State: bunker.InvoiceOpen}
	if n.manners.Expired {
		now = now.Add(-7 * 24 * time.Hour)
	}
	if n.manners.WrongAmount {
		inv.AmountMsat += 1000
	}
	inv.CreatedAt, inv.ExpiresAt = now.UnixMilli(), now.Add(expiry).UnixMilli()
	inv.Bolt11 = n.encode(inv, n.manners.BadInvoice)
	n.list = append(n.list, inv)
	return *inv
}

// find returns an invoice, its state by the clock.
func (n *Node) find(h bunker.PaymentHash) (bunker.Invoice, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.manners.Forget {
		return bunker.Invoice{}, false
	}
	i := n.at(h)
	if i == nil {
		return bunker.Invoice{}, false
	}
	if n.manners.WrongHash {
		for _, other := range n.list {
			if other.Hash != h {
				return *other, true
			}
		}
	}
	out := *i
	if out.State == bunker.InvoiceOpen && out.ExpiresAt <= n.now().UnixMilli() {
		out.State = bunker.InvoiceExpired
	}
	return out, true
}

func (n *Node) at(h bunker.PaymentHash) *bunker.Invoice {
	for _, i := range n.list {
		if i.Hash == h {
			return i
		}
	}
	return nil
}

// Settle pays an invoice exactly, also one that expired: a payment that was under
// way. It gives notice, as the manners say.
func (n *Node) Settle(h bunker.PaymentHash) { n.SettleWith(h, 0) }

// SettleWith pays an invoice with another amount than it is over.
func (n *Node) SettleWith(h bunker.PaymentHash, msat int64) {
	n.mu.Lock()
	i := n.at(h)
	if i == nil {
		n.mu.Unlock()
		panic("wallettest: no such invoice")
	}
	if msat == 0 {
		msat = i.AmountMsat
	}
	i.State, i.PaidMsat, i.SettledAt = bunker.InvoiceSettled, msat, n.now().UnixMilli()
	out, m := *i, n.manners
	if m.HoldNotices {
		n.held = append(n.held, out)
	}
	n.mu.Unlock()
	if m.LoseNotices || m.HoldNotices {
		return
	}
	n.Notice(out, 1+m.DoubleNotices)
}

// Cancel takes an invoice back.
func (n *Node) Cancel(h bunker.PaymentHash) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := n.at(h); i != nil && i.State == bunker.InvoiceOpen {
		i.State = bunker.InvoiceCancelled
	}
}

// Release gives the notices that were kept back, the last one first.
func (n *Node) Release() {
	n.mu.Lock()
	held := n.held
	n.held = nil
	n.mu.Unlock()
	slices.Reverse(held)
	for _, i := range held {
		n.Notice(i, 1)
	}
}

// Notice tells all doors of an invoice, so often: a notice of one that was not paid
// is a lie.
func (n *Node) Notice(inv bunker.Invoice, times int) {
	n.mu.Lock()
	var all []func(bunker.Invoice)
	for _, f := range n.heard {
		all = append(all, f)
	}
	n.mu.Unlock()
	for range times {
		for _, f := range all {
			f(inv)
		}
	}
}

// subscribe calls f with notices until stop is called.
func (n *Node) subscribe(f func(bunker.Invoice)) (stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := n.next
	n.next++
	n.heard[id] = f
	close(n.arrived)
	n.arrived = make(chan struct{})
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.heard, id)
	}
}

// AwaitListener waits until somebody listens for notices.
func (n *Node) AwaitListener(t testing.TB) {
	t.Helper()
	for {
		n.mu.Lock()
		count, arrived := len(n.heard), n.arrived
		n.mu.Unlock()
		if count > 0 {
			return
		}
		select {
		case <-arrived:
		case <-t.Context().Done():
			t.Fatal("nobody listens")
		}
	}
}
