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
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Path: path, Table: table{}, Prover: prover{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
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
	f.Add([]byte(`{"cmd":"x","proof":"\ud800"}`))
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
