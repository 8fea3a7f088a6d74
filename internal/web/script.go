package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip98"
)

// ScriptPath is where scripts send commands: one command is POST ScriptPath + its name.
const ScriptPath = "/api/v1/"

const (
	// MaxScriptBody is the largest body of a command, in bytes.
	MaxScriptBody = 256 << 10
	// MaxScripts is how many requests of scripts are worked on at once.
	MaxScripts = 16
	// ScriptRate and ScriptBurst bound the requests that come from one address, a second.
	ScriptRate  = 10
	ScriptBurst = 40
	// MaxScriptAddresses is for how many addresses that is remembered.
	MaxScriptAddresses = 1024
	// MaxIdempotencyKey is the longest name of a change, in bytes.
	MaxIdempotencyKey = 128
	// scriptReadTimeout is how long a body may take to come: a request holds a place
	// meanwhile.
	scriptReadTimeout = 10 * time.Second
	// scriptTimeout ends a command that takes too long.
	scriptTimeout = 2 * time.Minute
)

// Scripts is the bunker as the door for scripts sees it.
type Scripts interface {
	// Script is what an npub may do over HTTP now; an error for whoever may not, and
	// while no row can be verified.
	Script(ctx context.Context, person nostr.PubKey) (bunker.Principal, error)
	// Use notes that an authorization was used; first is false when it was before.
	Use(ctx context.Context, id nostr.ID, until time.Time) (first bool, err error)
	// Execute runs a command of the table.
	Execute(ctx context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error)
}

// ScriptConfig is what NewScript needs; every field.
type ScriptConfig struct {
	Scripts Scripts
	// URLs are the bunker's own addresses, as it was configured: what a client names
	// in Host counts for nothing.
	URLs     func() []string
	ClientIP func(*http.Request) netip.Addr
	Now      func() time.Time // ledger time
}

// Script is the door for scripts (security.md section 5, NIP-98): every request is signed
// by the npub, over its address, method and body, and good once.
type Script struct {
	ScriptConfig
	places chan struct{}

	mu   sync.Mutex
	seen map[netip.Addr]*pace
}

// pace is how much an address has left.
type pace struct {
	have float64
	at   time.Time
}

// NewScript returns the door.
func NewScript(c ScriptConfig) (*Script, error) {
	if c.Scripts == nil || c.URLs == nil || c.ClientIP == nil || c.Now == nil {
		return nil, errors.New("web: the configuration of the scripts' door is incomplete")
	}
	return &Script{ScriptConfig: c, places: make(chan struct{}, MaxScripts), seen: map[netip.Addr]*pace{}}, nil
}

// ServeHTTP implements [http.Handler] for what is below ScriptPath.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		answer(w, http.StatusMethodNotAllowed, bunker.Errorf(bunker.CodeInvalid, "a command is sent by POST"))
		return
	}
	if !s.paced(s.ClientIP(r)) {
		answer(w, http.StatusTooManyRequests, bunker.Errorf(bunker.CodeRateLimited, "too many requests; slow down"))
		return
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		answer(w, http.StatusServiceUnavailable, bunker.Errorf(bunker.CodeRateLimited, "too many requests at once; try again"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), scriptTimeout)
	defer cancel()
	// Before its body is waited for, which holds a place.
	ev, err := s.admit(ctx, r)
	if err != nil {
		unauthorized(w, err)
		return
	}
	// Where the connection has no deadlines, the server's own bounds hold.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(scriptReadTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxScriptBody))
	if err != nil {
		answer(w, http.StatusRequestEntityTooLarge, bunker.Errorf(bunker.CodeInvalid, "the body cannot be read, or is longer than %d bytes", MaxScriptBody))
		return
	}
	defer secret.Wipe(body)
	p, err := s.who(ctx, ev, body)
	if err != nil {
		unauthorized(w, err)
		return
	}
	o, err := order(r, body)
	if err != nil {
		answer(w, http.StatusBadRequest, err)
		return
	}
	result, err := s.Scripts.Execute(ctx, p, o)
	if err != nil {
		answer(w, status(err), err)
		return
	}
	defer secret.Wipe(result)
	// The reader may have gone away: nothing is to be done then.
	_, _ = w.Write([]byte(`{"result":`))
	_, _ = w.Write(result)
	_, _ = w.Write([]byte("}\n"))
}

func unauthorized(w http.ResponseWriter, err error) {
	w.Header().Set("WWW-Authenticate", nip98.Scheme)
	answer(w, http.StatusUnauthorized, err)
}

// admit finds out by the head of a request that somebody sends it who may come.
func (s *Script) admit(ctx context.Context, r *http.Request) (*nostr.Event, error) {
	ev, err := nip98.Parse(r.Header.Get("Authorization"))
	if err == nil {
		err = nip98.CheckHead(ev, r.Method, s.addresses(r), s.Now())
	}
	if err != nil {
		return nil, unfit(err)
	}
	_, err = s.Scripts.Script(ctx, ev.PubKey)
	return ev, err
}

// who is the admin whose script it is, as his row is now that the body is here. That the
// authorization is new is noted before anything is done, and only of what was signed by
// somebody who may come.
func (s *Script) who(ctx context.Context, ev *nostr.Event, body []byte) (p bunker.Principal, err error) {
	if err := nip98.CheckBody(ev, body); err != nil {
		return p, unfit(err)
	}
	if p, err = s.Scripts.Script(ctx, ev.PubKey); err != nil {
		return p, err
	}
	first, err := s.Scripts.Use(ctx, ev.ID, time.Unix(ev.CreatedAt, 0).Add(2*nip98.MaxAge))
	if err == nil && !first {
		err = bunker.Errorf(bunker.CodeRestricted, "this authorization was used; sign a new one for each request")
	}
	return p, err
}

func unfit(err error) error {
	return bunker.Errorf(bunker.CodeRestricted, "%s", err).WithHint("NIP-98: docs/scripts.md")
}

// addresses are those that this request may have been made to: the bunker's own with
// the path. One that is not encrypted counts on this machine alone, since answers can
// hold secrets.
func (s *Script) addresses(r *http.Request) (out []string) {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return nil
	}
	for _, own := range s.URLs() {
		u, err := url.Parse(own)
		if err != nil {
			continue
		}
		switch u.Scheme {
		case "wss", "https":
			u.Scheme = "https"
		default:
			u.Scheme = "http"
			if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
				continue
			}
		}
		out = append(out, u.Scheme+"://"+u.Host+r.URL.Path)
	}
	return out
}

// order is the command.
func order(r *http.Request, body []byte) (o admin.Order, err error) {
	o.Name, o.Params = strings.TrimPrefix(r.URL.Path, ScriptPath), body
	if len(body) == 0 {
		o.Params = []byte("{}")
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > MaxIdempotencyKey {
		return o, bunker.Errorf(bunker.CodeInvalid, "Idempotency-Key is longer than %d bytes", MaxIdempotencyKey).In("Idempotency-Key")
	}
	if key != "" {
		// As long as the names of the relay door, and none of them.
		sum := sha256.Sum256([]byte("http " + key))
		o.Op = hex.EncodeToString(sum[:16])
	}
	if v := r.Header.Get("If-Version"); v != "" {
		if o.IfVersion, err = strconv.ParseInt(v, 10, 64); err != nil || o.IfVersion < 1 {
			return o, bunker.Errorf(bunker.CodeInvalid, "If-Version is a version, as it was shown").In("If-Version")
		}
	}
	return o, nil
}

// paced spends one request of an address.
func (s *Script) paced(ip netip.Addr) bool {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.seen[ip]
	if p == nil {
		if len(s.seen) >= MaxScriptAddresses {
			clear(s.seen)
		}
		p = &pace{ScriptBurst, now}
		s.seen[ip] = p
	}
	if past := now.Sub(p.at).Seconds(); past > 0 {
		p.have = min(ScriptBurst, p.have+past*ScriptRate)
	}
	p.at = now
	if p.have < 1 {
		return false
	}
	p.have--
	return true
}

// status is the HTTP status of a refusal.
func status(err error) int {
	switch bunker.AsError(err).Code {
	case bunker.CodeInvalid:
		return http.StatusBadRequest
	case bunker.CodeRestricted, bunker.CodeBlocked, bunker.CodeNeedsProof:
		return http.StatusForbidden
	case bunker.CodeNotFound:
		return http.StatusNotFound
	case bunker.CodeConflict:
		return http.StatusConflict
	case bunker.CodeRateLimited:
		return http.StatusTooManyRequests
	case bunker.CodeSealed:
		return http.StatusServiceUnavailable
	case bunker.CodeWaits:
		return http.StatusAccepted
	}
	return http.StatusInternalServerError
}

func answer(w http.ResponseWriter, code int, err error) {
	e := bunker.AsError(err)
	b, jsonErr := json.Marshal(map[string]any{"error": struct {
		Code  string `json:"code"`
		Words string `json:"words"`
		Hint  string `json:"hint,omitempty"`
		Field string `json:"field,omitempty"`
	}{string(e.Code), e.Words, e.Hint, e.Field}})
	if jsonErr != nil {
		b = []byte(`{"error":{"code":"error","words":"the answer could not be written"}}`)
	}
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n'))
}
