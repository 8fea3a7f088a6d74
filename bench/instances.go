package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // its init registers the driver "pgx"

	"nsecbunker/internal/config"
	"nsecbunker/internal/seal"
)

const (
	// inFlight is how many requests are on their way to all instances together.
	inFlight = 64
	// settleFor is how long instances have to share out what they hear.
	settleFor = 4 * time.Second
)

// instances measures one, two and four instances on one PostgreSQL server: CPU of a
// request, in the instances and in the server, and round trips to the store. All requests are
// one tenant's: what instances wait for is its row.
func instances(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("instances", flag.ContinueOnError)
	bin := f.String("bin", "", "the binary that is measured")
	server := f.String("database", "", "URL of a database of a PostgreSQL server, as a user who may make others; without a password")
	requests := f.Int("requests", 10_000, "how many requests in each run")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *bin == "" || *server == "" {
		return errors.New("instances: -bin and -database are needed")
	}
	fmt.Println("instances  in flight  requests/s  p50 ms  p99 ms  CPU ms a request  of them the server  round trips a request  transactions a request")
	for _, n := range []int{1, 2, 4} {
		for _, flight := range []int{n, inFlight} {
			if err := instancesOf(ctx, *bin, *server, n, flight, *requests); err != nil {
				return fmt.Errorf("%d instances: %w", n, err)
			}
		}
	}
	return nil
}

func instancesOf(ctx context.Context, bin, server string, n, flight, requests int) (err error) {
	dir, err := os.MkdirTemp("", "bench-instances-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer db.Close()
	name := fmt.Sprintf("bench_%d_%d", n, time.Now().UnixNano())
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return err
	}
	defer func() {
		_, drop := db.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)")
		err = errors.Join(err, drop)
	}()
	meter, err := newMeter(server, name)
	if err != nil {
		return err
	}
	defer meter.close()
	dirs, err := seedInstances(ctx, dir, meter.url, n)
	if err != nil {
		return err
	}
	var running []*bunkerProcess
	var loads []*loadProcess
	defer func() {
		for _, l := range loads {
			err = errors.Join(err, l.stop())
		}
		for _, b := range running {
			err = errors.Join(err, b.stop())
		}
	}()
	for i, d := range dirs {
		b, err := startBunker(ctx, []string{bin, "start", "--database", meter.url, "--shared"}, d, fmt.Sprintf("127.0.0.1:%d", instancePort+i))
		if err != nil {
			return err
		}
		running = append(running, b)
		l, err := startLoad(ctx, dir, b.listen)
		if err != nil {
			return err
		}
		loads = append(loads, l)
	}
	time.Sleep(settleFor)
	return meter.measure(ctx, db, name, running, loads, n, flight, requests)
}

// instancePort is where the first instance listens.
const instancePort = 4910

// seedInstances fills the database and makes a data folder for each instance.
func seedInstances(ctx context.Context, dir, database string, n int) (dirs []string, err error) {
	s, err := newSeeder(ctx, dir, database)
	if err != nil {
		return nil, err
	}
	clients, err := s.fill(ctx, 1, minClients, "")
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	b, err := json.Marshal(clients)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, clientsFile), b, 0o600)
	}
	if err != nil {
		return nil, err
	}
	service, err := os.ReadFile(filepath.Join(dir, seal.ServiceKeyFile))
	if err != nil {
		return nil, err
	}
	for i := range n {
		d := filepath.Join(dir, fmt.Sprint(i))
		c := config.Default()
		c.Listen, c.LogLevel, c.AllowSwap = fmt.Sprintf("127.0.0.1:%d", instancePort+i), "error", true
		text, err := c.Print()
		if err == nil {
			err = errors.Join(os.Mkdir(d, 0o700), os.WriteFile(filepath.Join(d, config.File), text, 0o600),
				os.WriteFile(filepath.Join(d, seal.ServiceKeyFile), service, 0o600))
		}
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, d)
	}
	return dirs, nil
}

// meter stands between the instances and the server, and counts how often one of them
// says something: a round trip each.
type meter struct {
	url  string
	l    net.Listener
	said atomic.Int64
	wait sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn
}

func newMeter(server, name string) (*meter, error) {
	c, err := pgx.ParseConfig(server)
	if err != nil {
		return nil, err
	}
	network, at := pgxAddress(c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "postgres", User: url.User(c.User), Host: l.Addr().String(), Path: "/" + name, RawQuery: "sslmode=disable"}
	m := &meter{url: u.String(), l: l}
	m.wait.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial(network, at)
			if err != nil {
				_ = from.Close() // the instance says that there is no server
				continue
			}
			m.mu.Lock()
			m.open = append(m.open, from, to)
			m.mu.Unlock()
			m.wait.Go(func() { m.count(to, from) })
			m.wait.Go(func() {
				_, _ = io.Copy(from, to) // it ends with either side
				_ = from.Close()
			})
		}
	})
	return m, nil
}

func pgxAddress(c *pgx.ConnConfig) (network, at string) {
	if filepath.IsAbs(c.Host) {
		return "unix", filepath.Join(c.Host, fmt.Sprintf(".s.PGSQL.%d", c.Port))
	}
	return "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
}

// count passes on what an instance says, and counts it.
func (m *meter) count(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			m.said.Add(1)
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (m *meter) close() {
	_ = m.l.Close() // ends the loop
	m.mu.Lock()
	for _, c := range m.open {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.wait.Wait()
}

// used is what the instances and the server have used so far.
type used struct {
	instances, server time.Duration
	trips, commits    int64
}

func (m *meter) used(ctx context.Context, db *sql.DB, name string, running []*bunkerProcess) (u used, err error) {
	for _, b := range running {
		t, err := b.cpu()
		if err != nil {
			return u, err
		}
		u.instances += t
	}
	rows, err := db.QueryContext(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = $1`, name)
	if err != nil {
		return u, err
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return u, err
		}
		t, err := cpuOf(pid)
		if err != nil {
			return u, err
		}
		u.server += t
	}
	u.trips = m.said.Load()
	err = errors.Join(rows.Err(), db.QueryRowContext(ctx, `SELECT xact_commit FROM pg_stat_database WHERE datname = $1`, name).Scan(&u.commits))
	return u, err
}

func (m *meter) measure(ctx context.Context, db *sql.DB, name string, running []*bunkerProcess, loads []*loadProcess, n, flight, requests int) error {
	each := requests / n
	for _, l := range loads {
		if _, err := l.do(fmt.Sprintf("prepare sign_event %d", each)); err != nil {
			return err
		}
	}
	before, err := m.used(ctx, db, name, running)
	if err != nil {
		return err
	}
	outcomes, errs := make([]outcome, n), make([]error, n)
	var wg sync.WaitGroup
	began := time.Now()
	for i, l := range loads {
		wg.Go(func() { outcomes[i], errs[i] = l.do(fmt.Sprintf("flight %d", max(1, flight/n))) })
	}
	wg.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	after, err := m.used(ctx, db, name, running)
	if err != nil {
		return err
	}
	all := float64(each * n)
	p50, p99 := 0.0, 0.0
	for _, o := range outcomes {
		p50, p99 = max(p50, o.P50), max(p99, o.P99)
	}
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 / all }
	instanceCPU, serverCPU := ms(after.instances-before.instances), ms(after.server-before.server)
	fmt.Printf("%9d  %9d  %10.0f  %6.1f  %6.1f  %16.2f  %18.2f  %21.1f  %22.2f\n", n, max(n, flight), all/took.Seconds(), p50, p99,
		instanceCPU+serverCPU, serverCPU, float64(after.trips-before.trips)/all, float64(after.commits-before.commits)/all)
	return nil
}
