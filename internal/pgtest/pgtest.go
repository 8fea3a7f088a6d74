// Package pgtest runs a real PostgreSQL server for tests: its own, in a folder that
// goes with it, reached by a socket there. Where no server is installed the tests that
// ask for one are not run, and say so; with STRICT=1 they fail.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // its init registers the driver "pgx"
)

// startTimeout is how long a server may take to answer.
const startTimeout = time.Minute

// Guarded is a user who needs Password; every other needs none.
const (
	Guarded  = "guarded"
	Password = "correct-horse"
)

// Server is a running PostgreSQL.
type Server struct {
	dir, bin string
	as       *syscall.SysProcAttr
	n        atomic.Int64 // of databases

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
}

// errNone says that there is no server to be had.
var errNone = errors.New("no PostgreSQL server is installed (scripts/setup postgres installs it)")

// shared is the server of a package's tests.
var shared struct {
	once sync.Once
	s    *Server
	err  error
}

// Shared returns the server that all tests of a package use; TestMain ends it with
// StopShared.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.s, shared.err = start() })
	return shared.s.or(t, shared.err)
}

// StopShared ends the server of a package's tests, if there is one.
func StopShared() error {
	if shared.s == nil {
		return nil
	}
	return shared.s.remove()
}

// Own starts a server for one test, which may end it.
func Own(t testing.TB) *Server {
	t.Helper()
	s, err := start()
	s.or(t, err)
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) or(t testing.TB, err error) *Server {
	t.Helper()
	switch {
	case errors.Is(err, errNone) && os.Getenv("STRICT") == "":
		t.Skipf("NOT RUN: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	return s
}

// start makes a server and waits until it answers.
func start() (*Server, error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return nil, err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		bins = append(bins, path)
	}
	if len(bins) == 0 {
		return nil, errNone
	}
	s := &Server{bin: filepath.Dir(bins[len(bins)-1])}
	// A socket's path is short, and t.TempDir's is not.
	if s.dir, err = os.MkdirTemp(roomy(), "pg"); err != nil {
		return nil, err
	}
	if err := s.make(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// room is how many bytes the server's files may need.
const room = 4 << 30

// roomy is a file system in memory where there is one with room: it is as durable as
// killing processes can tell, and a test does not wait for the disk.
func roomy() string {
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) > room {
		return memory
	}
	return ""
}

// make initialises the server's files. It refuses to run as root, so root runs it as
// the user of the installed one.
func (s *Server) make() error {
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2, os.Chown(s.dir, int(uid), int(gid)), os.Chmod(s.dir, 0o755)); err != nil {
			return err
		}
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	cmd := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	access := "local all " + Guarded + " scram-sha-256\nlocal all all trust\n"
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(access), 0o644)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, &syscall.SysProcAttr{}
	if s.as != nil {
		*cmd.SysProcAttr = *s.as
	}
	return cmd
}

// Start runs the server again after Stop or Kill.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=300", "-c", "shared_buffers=32MB")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT // a test that dies takes it along
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // whose death it would be
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ends, the test decides
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.ended = cmd, ended
	return s.answers()
}

func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.ended:
			b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the server ended: %w\n%s", err, b)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

// Stop ends the server as an administrator does who does not wait for sessions; Kill
// as a power cut does.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends the server at once, without a checkpoint.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig) // it may have ended by itself
	<-s.ended
	s.cmd = nil
}

func (s *Server) remove() error {
	s.Stop()
	return os.RemoveAll(s.dir)
}

func (s *Server) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + s.dir
}

// Database makes a new, empty database and returns its URL. It goes with the
// server: to drop one costs more than all of its tests.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.n.Add(1))
	s.Exec(t, "CREATE DATABASE "+name+" TEMPLATE template0")
	return s.url(name)
}

// Exec runs statements as the server's administrator.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, st := range statements {
		if _, err := db.Exec(st); err != nil {
			t.Errorf("%s: %v", st, err)
		}
	}
}
