package signerrelay

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Info is what the relay says about itself besides its limits (NIP-11). Empty fields are left out.
type Info struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	PubKey      string `json:"pubkey,omitempty"`  // hex: whom to write to
	Contact     string `json:"contact,omitempty"` // mailto: or https:
	Icon        string `json:"icon,omitempty"`
	Software    string `json:"software,omitempty"` // URL of the project
	Version     string `json:"version,omitempty"`
}

// document is the relay information document (NIP-11).
type document struct {
	Info
	SupportedNIPs []int      `json:"supported_nips"`
	Limitation    limitation `json:"limitation"`
}

type limitation struct {
	MaxMessageLength int  `json:"max_message_length"`
	MaxSubscriptions int  `json:"max_subscriptions"`
	MaxLimit         int  `json:"max_limit"`
	DefaultLimit     int  `json:"default_limit"`
	MaxSubIDLength   int  `json:"max_subid_length"`
	MaxEventTags     int  `json:"max_event_tags"`
	MaxContentLength int  `json:"max_content_length"`
	AuthRequired     bool `json:"auth_required"`
	PaymentRequired  bool `json:"payment_required"`
	RestrictedWrites bool `json:"restricted_writes"`
}

// documentType is the media type of NIP-11.
const documentType = "application/nostr+json"

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
	// NIP-11: pages of any origin may read the document. It says nothing that depends on who asks.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "Accept")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept")
	switch req.Method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet, http.MethodHead:
		if strings.Contains(strings.Join(req.Header.Values("Accept"), ","), documentType) {
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

func (r *Relay) serveDocument(w http.ResponseWriter) {
	b, err := json.Marshal(document{
		Info:          r.cfg.Info,
		SupportedNIPs: []int{1, 11, 42, 46},
		Limitation: limitation{
			MaxMessageLength: r.lim.MaxFrame,
			MaxSubscriptions: r.lim.MaxSubs,
			MaxLimit:         r.lim.MaxKeptPerKey,
			DefaultLimit:     r.lim.MaxKeptPerKey,
			MaxSubIDLength:   MaxSubID,
			MaxEventTags:     r.lim.MaxTags,
			MaxContentLength: r.lim.MaxFrame,
			RestrictedWrites: true,
		},
	})
	if err != nil {
		http.Error(w, "the relay's description cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", documentType)
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
	ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // any origin: see the package's comment
		// Compressing costs memory for each connection, and ciphertext does not shrink.
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil { // Accept has answered
		r.cfg.Log.Debug("relay: not a websocket after all", "err", err)
		return
	}
	r.cfg.Log.Debug("relay: connected", "conn", c.id)
	c.serve(ws)
	r.cfg.Log.Debug("relay: disconnected", "conn", c.id)
}

// turnAwaySeconds is what Retry-After says to those who find no place.
const turnAwaySeconds = "10"

func turnAway(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Retry-After", turnAwaySeconds)
	http.Error(w, why, code)
}
