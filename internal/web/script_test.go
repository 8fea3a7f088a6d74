package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip98"
)

// onlyOne lets one npub's scripts in.
type onlyOne struct{ npub nostr.PubKey }

func (o onlyOne) Script(_ context.Context, person nostr.PubKey) (bunker.Principal, error) {
	if person != o.npub {
		return bunker.Principal{}, bunker.Errorf(bunker.CodeRestricted, "no script of this npub is let in here")
	}
	return bunker.Principal{Role: bunker.Viewer, PubKey: person}, nil
}

func (onlyOne) Use(context.Context, nostr.ID, time.Time) (bool, error) { return true, nil }

func (onlyOne) Execute(context.Context, bunker.Principal, admin.Order) (json.RawMessage, error) {
	return json.RawMessage(`"done"`), nil
}

// untouched is a body that must not be waited for.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("a stranger's body was waited for")
	return 0, io.EOF
}

// Whoever has proved nothing must not take a place by sending a body slowly: there are
// few, and he would keep every script out.
func TestAStrangersBodyIsNotWaitedFor(t *testing.T) {
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	const own, path = "https://bunker.example", ScriptPath + "key.list"
	mine, now := newKey(t, arena), time.Unix(1_800_000_000, 0)
	door, err := NewScript(ScriptConfig{
		Scripts: onlyOne{mine.PubKey()}, URLs: func() []string { return []string{own} }, Now: func() time.Time { return now },
		ClientIP: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
	})
	if err != nil {
		t.Fatal(err)
	}
	send := func(auth string, body io.Reader) int {
		r := httptest.NewRequest("POST", path, body)
		r.Header.Set("Authorization", auth)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Code
	}
	auth := func(k *nostr.SecretKey, at string, when time.Time) string {
		ev := nip98.Template("POST", at, []byte("{}"), when).Event(k.PubKey())
		if err := k.Sign(ev); err != nil {
			t.Fatal(err)
		}
		return nip98.Header(ev)
	}
	for why, header := range map[string]string{
		"nobody":           "",
		"somebody else":    auth(newKey(t, arena), own+path, now),
		"another address":  auth(mine, own+ScriptPath+"key.delete", now),
		"an old signature": auth(mine, own+path, now.Add(-nip98.MaxAge-time.Second)),
	} {
		if code := send(header, untouched{t}); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", why, code)
		}
	}
	if code := send(auth(mine, own+path, now), strings.NewReader("{}")); code != http.StatusOK {
		t.Errorf("who may come: %d", code)
	}
	if code := send(auth(mine, own+path, now), strings.NewReader("{ }")); code != http.StatusUnauthorized {
		t.Errorf("another body than the signed one: %d", code)
	}
}

func newKey(t *testing.T, arena *secret.Arena) *nostr.SecretKey {
	t.Helper()
	k, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
