package socket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"nsecbunker/internal/bunker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type table struct{}

func (table) Dispatch(_ context.Context, p bunker.Principal, name string, params []byte) (any, error) {
	switch name {
	case "echo":
		return json.RawMessage(params), nil
	case "who":
		return map[string]any{"name": p.Name, "role": p.Role, "door": p.Door, "fresh": p.Fresh}, nil
	case "fail":
		return nil, bunker.Errorf(bunker.CodeConflict, "no").WithHint("try").In("x").WithCause(errors.New("hidden"))
	}
	return nil, errors.New("a hidden cause")
}

type prover struct{ right string }

func (p prover) Prove(_ context.Context, passphrase []byte) error {
	if string(passphrase) != p.right {
		return bunker.Errorf(bunker.CodeRestricted, "the passphrase is wrong")
	}
	return nil
}

func serve(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.sock")
	s, err := New(Config{Path: path, Table: table{}, Prover: prover{"right words"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return path
}

func call(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSocketIsTheOwnersAlone(t *testing.T) {
	info, err := os.Stat(serve(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
}

func TestCallsAreAnsweredInOrder(t *testing.T) {
	c := call(t, serve(t))
	for _, want := range []string{`{"a":1}`, `{"b":"ü <&> \u2028"}`, `{}`} {
		var got json.RawMessage
		if err := c.Call(t.Context(), "echo", json.RawMessage(want), nil, &got); err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestOnlyARightPassphraseIsAFreshProof(t *testing.T) {
	c := call(t, serve(t))
	var who struct {
		Name, Role, Door string
		Fresh            bool
	}
	if err := c.Call(t.Context(), "who", nil, nil, &who); err != nil || who.Fresh || who.Role != "owner" || who.Name != "local" || who.Door != "socket" {
		t.Errorf("without proof: %+v %v", who, err)
	}
	if err := c.Call(t.Context(), "who", nil, []byte("right words"), &who); err != nil || !who.Fresh {
		t.Errorf("with proof: %+v %v", who, err)
	}
	err := c.Call(t.Context(), "who", nil, []byte("wrong \"words\""), &who)
	var e *bunker.Error
	if !errors.As(err, &e) || e.Field != "proof" || e.Code != bunker.CodeRestricted {
		t.Errorf("with a wrong one: %v", err)
	}
}

func TestErrorsKeepTheirWordsAndHideTheirCause(t *testing.T) {
	c := call(t, serve(t))
	var e *bunker.Error
	if err := c.Call(t.Context(), "fail", nil, nil, nil); !errors.As(err, &e) || e.Words != "no" || e.Hint != "try" || e.Field != "x" || e.Cause != nil {
		t.Errorf("got %#v", e)
	}
	if err := c.Call(t.Context(), "other", nil, nil, nil); !errors.As(err, &e) || strings.Contains(e.Words, "hidden") {
		t.Errorf("got %v", err)
	}
}

func TestBadRequestsAreAnsweredAndNothingBreaks(t *testing.T) {
	path := serve(t)
	for _, line := range []string{
		"nonsense", "[]", `{"id":1}`, `{"id":1,"cmd":""}`, `{"id":1,"cmd":"echo","extra":2}`, `{"id":1,"cmd":"echo"} {}`,
		`{"id":1,"cmd":"` + strings.Repeat("x", MaxCommand+1) + `"}`, strings.Repeat("y", MaxLine+10),
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go conn.Write([]byte(line + "\n"))
		got, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(got, `"error"`) {
			t.Errorf("%.30q: got %q, %v", line, got, err)
		}
		conn.Close()
	}
	var got json.RawMessage
	if err := call(t, path).Call(t.Context(), "echo", json.RawMessage(`{"a":1}`), nil, &got); err != nil {
		t.Error(err)
	}
}

func TestALeftoverSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.sock")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()
	s, err := New(Config{Path: path, Table: table{}, Prover: prover{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestALiveSocketAndOtherFilesAreLeftAlone(t *testing.T) {
	live := serve(t)
	other := filepath.Join(t.TempDir(), "b.sock")
	if err := os.WriteFile(other, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string]string{live: "another nsecbunker", other: "in the way"} {
		_, err := New(Config{Path: path, Table: table{}, Prover: prover{}, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s is gone", path)
		}
	}
}

func TestOnlyOurOwnUserAndRootAreAdmitted(t *testing.T) {
	for _, c := range []struct {
		uid, ours int
		want      bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {-1, 1000, false}, {1000, 0, false}, {0, 0, true}} {
		if got := admitted(c.uid, c.ours); got != c.want {
			t.Errorf("uid %d at a socket of %d: %t", c.uid, c.ours, got)
		}
	}
	// The system's word for who is at the other end.
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if uid, err := peer(a); err != nil || uid != os.Geteuid() {
		t.Errorf("peer: %d, %v", uid, err)
	}
}

// pair returns two ends of a unix connection.
func pair(t *testing.T) (*net.UnixConn, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	in, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	return in, out
}

func TestOneConnectionTooManyIsToldSo(t *testing.T) {
	path := serve(t)
	for range MaxConns {
		if err := call(t, path).Call(t.Context(), "echo", nil, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(got, "rate-limited") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWantOfRoomDoesNotEndTheServer(t *testing.T) {
	for err, want := range map[error]bool{unix.EMFILE: true, unix.ENFILE: true, unix.ECONNABORTED: true, net.ErrClosed: false, unix.EBADF: false} {
		if got := passing(&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}); got != want {
			t.Errorf("%v: %t", err, got)
		}
	}
}

func TestRequestsWithDoublesAreRefused(t *testing.T) {
	for _, line := range []string{
		`{"id":1,"cmd":"a","cmd":"b"}`, `{"id":1,"cmd":"a","Cmd":"b"}`, `{"id":1,"cmd":"a","proof":"x","proof":"y"}`, `{"cmd":"a"}`, `{"id":"1","cmd":"a"}`,
		`{"id":1.5,"cmd":"a"}`, `{"id":1,"cmd":"a","proof":1}`, `{"id":1,"cmd":"a","params":`, `null`, ``,
	} {
		if r, err := parseRequest([]byte(line)); err == nil {
			t.Errorf("%s was read as %+v", line, r)
		}
	}
}

func TestATooLongPathIsToldInWords(t *testing.T) {
	_, err := New(Config{Path: "/" + strings.Repeat("x", 200), Table: table{}, Prover: prover{}, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyListeningIsNotRunning(t *testing.T) {
	if _, err := Dial(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func FuzzSocketRequest(f *testing.F) {
	f.Add([]byte(`{"id":1,"cmd":"key.add","params":{"name":"herald"},"proof":"words"}`))
	f.Add([]byte(`{"id":-1,"cmd":"x","params":null}`))
	f.Add([]byte(`{"id":2,"cmd":"x","proof":"\ud800"}`))
	f.Add([]byte(` { "id" : 3 , "cmd" : "x" , "params" : [ 1 , { "a" : "}" } ] } `))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRequest(line)
		if err != nil {
			return
		}
		if r.Cmd == "" || len(r.Cmd) > MaxCommand {
			t.Fatalf("command %q", r.Cmd)
		}
		if len(r.Params) > 0 && !json.Valid(r.Params) {
			t.Fatalf("parameters %q", r.Params)
		}
		again, err := appendRequest(r.ID, r.Cmd, bytes.Clone(r.Params), r.Proof)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseRequest(bytes.TrimSpace(again)); err != nil {
			t.Fatalf("written but not read: %v\n%s", err, again)
		}
	})
}

// What a command handed out, an export for one, is not left in memory when it was sent.
func TestASentResultIsWiped(t *testing.T) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	secret := json.RawMessage(`{"ncryptsec":"ncryptsec1"}`)
	if err := (&Server{}).write(conn, reply{ID: 1, Result: secret}); err != nil {
		t.Fatal(err)
	}
	if len(bytes.Trim(secret, "\x00")) != 0 {
		t.Errorf("left: %q", secret)
	}
}
