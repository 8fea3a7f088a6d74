package bunkertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/daemon"
	"nsecbunker/internal/wallet/wallettest"
)

// market is a real program that sells bunkers, a wallet that lives longer than it, and
// buyers who do not give up.
type market struct {
	t    *testing.T
	rng  *rand.Rand
	p    *Process
	node *wallettest.Node
	paid chan struct{} // somebody has paid this moment

	mu     sync.Mutex
	buyers []*customer
	wg     sync.WaitGroup
}

// customer is a buyer with what he does and what came of it.
type customer struct {
	*Buyer
	people int
	pays   int64 // msat for each sat that is asked for
	order  Bought
	err    error
}

func newMarket(t *testing.T, seed uint64) *market {
	m := &market{t: t, rng: rand.New(rand.NewPCG(seed, 3)), node: wallettest.New(time.Now), paid: make(chan struct{}, 1)}
	sells := Selling(t, m.node.Phoenixd(t))
	m.p = NewProcess(t, nil, func(*Bunker) {})
	m.p.Stop()
	m.p.Configure(sells)
	m.p.Start()
	return m
}

// buy sends a buyer through the whole of it, whatever is killed meanwhile.
func (m *market) buy(ctx context.Context) {
	c := &customer{Buyer: NewBuyer(m.p.Listen), people: 1 + m.rng.IntN(20), pays: []int64{1000, 1000, 1000, 1000, 1000, 1000, 1100, 900}[m.rng.IntN(8)]}
	m.mu.Lock()
	m.buyers = append(m.buyers, c)
	m.mu.Unlock()
	m.wg.Go(func() {
		c.err = func() (err error) {
			what := c.Order(c.people)
			for range 2 { // the first answer is lost: sent again
				err := Insist(ctx, func() (err error) {
					c.order, err = c.Try(ctx, "order", what)
					return err
				})
				if err != nil {
					return err
				}
			}
			o, err := c.Until(ctx, func(o Bought) bool { return o.Invoice != nil })
			if err != nil {
				return err
			}
			for _, inv := range m.node.Invoices() {
				if inv.Bolt11 == o.Invoice.Bolt11 {
					m.node.SettleWith(inv.Hash, o.Sats*c.pays)
				}
			}
			select {
			case m.paid <- struct{}{}:
			default:
			}
			c.order, err = c.Until(ctx, func(o Bought) bool { return o.State == c.ends() })
			return err
		}()
	})
}

// ends is how an order ends that was paid so.
func (c *customer) ends() string {
	if c.pays < 1000 {
		return "held"
	}
	return "made"
}

// rude has the wallet lose, double and keep back its notices, give old ones again, and
// answer nothing for a while.
func (m *market) rude() {
	m.node.Release()
	m.node.Behave(wallettest.Manners{LoseNotices: m.rng.IntN(4) == 0, DoubleNotices: m.rng.IntN(3), HoldNotices: m.rng.IntN(3) == 0, Status: []int{0, 0, 0, 0, 503}[m.rng.IntN(5)]})
	if all := m.node.Invoices(); len(all) > 0 {
		m.node.Notice(all[m.rng.IntN(len(all))], 1+m.rng.IntN(2)) // true, false, old: it is asked for
	}
}

// inside reads one number of the killed program's database.
func (m *market) inside(query string) (n int) {
	m.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(m.p.Dir, daemon.DatabaseFile)+"?mode=ro")
	if err == nil {
		err = errors.Join(db.QueryRow(query).Scan(&n), db.Close())
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

// TestAPaidOrderIsOneBunkerWhateverIsKilled: the real program sells through a wallet that
// speaks phoenixd's protocol; it is killed with SIGKILL at any moment, often right when
// somebody has paid, while notices of payments are doubled, late, reordered and lost.
func TestAPaidOrderIsOneBunkerWhateverIsKilled(t *testing.T) {
	t.Parallel()
	seeds, kills := uint64(1), times(100)
	if full() {
		seeds = 3
	}
	for seed := range seeds {
		m := newMarket(t, seed)
		ctx, cancel := context.WithTimeout(t.Context(), 4*patience+time.Duration(kills)*5*time.Second)
		defer cancel()
		inMaking := 0
		for range kills {
			m.rude()
			for range 3 {
				m.buy(ctx)
			}
			wait := time.NewTimer(time.Duration(100+m.rng.IntN(500)) * time.Millisecond)
			if m.rng.IntN(3) > 0 { // the moment when somebody pays, and a little later
				select {
				case <-m.paid:
					wait.Reset(time.Duration(m.rng.IntN(60)) * time.Millisecond)
				case <-wait.C:
					wait.Reset(0)
				}
			}
			<-wait.C
			m.p.Kill()
			inMaking += m.inside(`SELECT count(*) FROM orders WHERE state = 'paid'`)
			m.p.Start()
		}
		m.node.Release()
		m.node.Behave(wallettest.Manners{})
		m.wg.Wait()
		m.judge(seed, kills, inMaking)
	}
}

// judge holds the program's account against the wallet's.
func (m *market) judge(seed uint64, kills, inMaking int) {
	t := m.t
	came := map[string]int64{} // by payment hash
	for _, inv := range m.node.Invoices() {
		if inv.PaidMsat > 0 {
			came[inv.Hash.String()] = inv.PaidMsat
		}
	}
	paid, bought, cases, owed := len(came), 0, 0, int64(0)
	bunkers := map[string]string{} // by order
	for page := m.p.Admin("tenant.list", nil); ; page = m.p.Admin("tenant.list", Params{"after": page.Text("next")}) {
		for _, v := range page.Each("tenants") {
			if before := bunkers[v.Text("order")]; before != "" {
				t.Errorf("seed %d: the order %s made %s and %s", seed, v.Text("order"), before, v.Text("id"))
			}
			bunkers[v.Text("order")] = v.Text("id")
		}
		if page.Text("next") == "" {
			break
		}
	}
	at := map[string]bool{}
	for _, c := range m.buyers {
		if c.err != nil {
			t.Errorf("seed %d: a buyer who pays %d msat a sat: %v", seed, c.pays, c.err)
			continue
		}
		o := m.p.Admin("order.show", Params{"id": c.order.ID})
		if got, made := o.Text("order.state"), bunkers[c.order.ID]; got != c.ends() || (made != "") != (got == "made") || o.Text("order.bunker") != made {
			t.Errorf("seed %d: an order for which %d msat a sat came is %s, its bunker %q", seed, c.pays, got, made)
		}
		taken := int64(0)
		for _, p := range o.Each("order.payments") {
			hash, in := p.Text("hash"), int64(p.Number("paid_msat"))
			if in != came[hash] || int64(p.Number("taken_msat")+p.Number("owed_msat")) != in {
				t.Errorf("seed %d: the payment %s: %d msat came, it is put down as %v", seed, hash, came[hash], p)
			}
			delete(came, hash)
			taken += int64(p.Number("taken_msat"))
		}
		if want := map[string]int64{"made": int64(o.Number("order.sats")) * 1000}[c.ends()]; taken != want {
			t.Errorf("seed %d: %d msat bought it, want %d", seed, taken, want)
		}
		if c.ends() == "made" {
			bought++
			if c.order.Ready == nil || c.order.Ready.SetupCode == "" || at[c.order.Ready.Connection] || c.order.Plan == nil || c.order.Plan.People != int64(c.people) {
				t.Errorf("seed %d: the buyer got %+v", seed, c.order)
			} else {
				at[c.order.Ready.Connection] = true
			}
		}
		if c.pays != 1000 {
			cases++
			if !o.Is("order.case") {
				t.Errorf("seed %d: money is owed, and it is no case: %v", seed, o)
			}
		}
		owed += int64(o.Number("order.owed_msat"))
	}
	if len(came) != 0 || len(bunkers) != bought {
		t.Errorf("seed %d: %d payments are in no order; %d bunkers for %d orders that were paid", seed, len(came), len(bunkers), bought)
	}
	if found := m.p.Admin("instance.check", nil); !found.Is("sound") {
		t.Errorf("seed %d: %v", seed, found)
	}
	t.Logf("seed %d: %d kills (%d orders were paid and not made then), %d payments, %d bunkers for %d orders that were paid, %d cases over %d msat, none lost",
		seed, kills, inMaking, paid, len(bunkers), bought, cases, owed)
}

// TestOneOrderOfTheProvidersIsOneBunkerWhateverIsKilled: `tenant add --order`, given again
// and again while the program is killed under it.
func TestOneOrderOfTheProvidersIsOneBunkerWhateverIsKilled(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 4))
	p := NewProcess(t, nil, func(*Bunker) {})
	p.Stop()
	p.Configure(Hosted)
	p.Start()
	kills := times(100)
	answered, last := 0, ""
	for kill := range kills {
		order := fmt.Sprintf("invoice-%d", kill/5) // five kills an order
		cmd := exec.Command(Binary(t), "tenant", "add", "--order", order, "--people", "3", "--json", "--data", p.Dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(rng.IntN(120)) * time.Millisecond)
		if rng.IntN(2) == 0 {
			_ = cmd.Process.Kill() // it may be through
		}
		p.Kill()
		if cmd.Wait() == nil {
			answered++
		}
		p.Start()
		last = order
	}
	made := map[string]string{}
	again := p.Admin("tenant.add", Params{"order": last, "people": 3})
	for _, v := range p.Admin("tenant.list", nil).Each("tenants") {
		if made[v.Text("order")] != "" {
			t.Errorf("the order %s made %s and %s", v.Text("order"), made[v.Text("order")], v.Text("id"))
		}
		if v.Text("connection_string") == "" || v.Number("people") != 3 {
			t.Errorf("half a bunker: %v", v)
		}
		made[v.Text("order")] = v.Text("id")
	}
	if made[last] == "" || made[last] != again.Text("tenant.id") || len(made) > (kills+4)/5 || again.Text("setup_code") == "" {
		t.Errorf("%v, then %v", made, again)
	}
	if found := p.Admin("instance.check", nil); !found.Is("sound") {
		t.Errorf("%v", found)
	}
	t.Logf("%d kills of the program, %d times the command was answered before, %d orders, %d bunkers", kills, answered, (kills+4)/5, len(made))
}
