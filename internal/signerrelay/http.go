package signerrelay

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr/nip11"
)

// page is what a browser sees.
const page = `This is the relay of a Nostr bunker (NIP-46, https://nostr.com/nips/46).
It carries messages between apps and this bunker, and nothing else.
To use it, give an app a bunker:// address that names this relay.
`

// ServeHTTP upgrades to a websocket, or answers with the NIP-11 document (Accept: application/nostr+json), or with a
// short page in plain text.
func (r *Relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if wantsWebsocket(req) {
		r.serveWebsocket(w, req)
		return
	}
	h := w.Header()
	// Pages of any origin may read what the relay says about itself: it is the same for everybody.
	for name, value := range nip11.Headers() {
		h.Set(name, value)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept")
	switch req.Method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet, http.MethodHead:
		if nip11.Wanted(strings.Join(req.Header.Values("Accept"), ",")) {
			r.serveDocument(w)
			return
		}
		h.Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(page)) // the client may have gone
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "this is a Nostr relay: connect by websocket", http.StatusMethodNotAllowed)
	}
}

func wantsWebsocket(req *http.Request) bool {
	for _, v := range req.Header.Values("Upgrade") {
		for token := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "websocket") {
				return true
			}
		}
	}
	return false
}

// serveDocument answers with the relay information document (NIP-11).
func (r *Relay) serveDocument(w http.ResponseWriter) {
	d := r.cfg.Info
	d.SupportedNIPs = []int{1, 11, 42, 46}
	d.Limitation = &nip11.Limitation{
		MaxMessageLength: int64(r.lim.MaxFrame),
		MaxSubscriptions: int64(r.lim.MaxSubs),
		MaxLimit:         int64(r.lim.MaxKeptPerKey),
		MaxSubIDLength:   MaxSubID,
		MaxEventTags:     int64(r.lim.MaxTags),
		MaxContentLength: int64(r.lim.MaxFrame),
		RestrictedWrites: true,
	}
	b, err := d.JSON()
	if err != nil {
		http.Error(w, "the relay's description cannot be written", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(b) // the client may have gone
}

// serveWebsocket runs one connection to its end.
func (r *Relay) serveWebsocket(w http.ResponseWriter, req *http.Request) {
	addr := r.cfg.ClientIP(req)
	src, ok := r.sources.enter(addr, time.Now())
	if !ok {
		r.count.turnedAway.Add(1)
		turnAway(w, http.StatusTooManyRequests, "too many connections from this address: try again later")
		return
	}
	defer r.sources.leave(src)
	c := newConn(r, src, addr)
	defer c.cancel()
	if err := r.admit(c); err != nil {
		turnAway(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer r.forget(c)
	taken := &hijack{ResponseWriter: w}
	ws, err := websocket.Accept(taken, req, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // any origin: see the package's comment
		// Compressing costs memory for each connection, and ciphertext does not shrink.
		CompressionMode: websocket.CompressionDisabled,
		OnPingReceived:  func(context.Context, []byte) bool { return c.control() },
		OnPongReceived:  func(context.Context, []byte) { c.control() },
	})
	if err != nil { // Accept has answered
		r.cfg.Log.Debug("relay: not a websocket after all", "err", err)
		return
	}
	r.cfg.Log.Debug("relay: connected", "conn", c.id)
	c.serve(ws, taken.cork)
	r.cfg.Log.Debug("relay: disconnected", "conn", c.id)
}

// turnAwaySeconds is what Retry-After says to those who find no place.
const turnAwaySeconds = "10"

func turnAway(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Retry-After", turnAwaySeconds)
	http.Error(w, why, code)
}

// hijack remembers the TCP connection that the websocket library takes over, and
// gives it one with a cork.
type hijack struct {
	http.ResponseWriter
	cork *cork
}

// Hijack is http.Hijacker's.
func (h *hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.cork = &cork{Conn: conn}
	return h.cork, rw, nil
}
