package daemon

import (
	"context"
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// outlet sends replies out: to the embedded relay, which costs nothing, and to
// the relays of the connection.
type outlet struct {
	ctx   context.Context // ends with the daemon; publishing outlives the request that caused it
	local interface {
		Publish(ev *nostr.Event, raw []byte) int
	}
	remote interface {
		Publish(ctx context.Context, of bunker.TenantID, id nostr.ID, raw []byte, urls []string, result func(url string, ok bool, reason string))
	}
	ours func() []string // the embedded relay's own URLs
}

// Send implements inbox.Outlet. The embedded relay is always tried, as a client
// may know it by another address.
func (o *outlet) Send(of bunker.TenantID, ev *nostr.Event, raw []byte, relays []string, result func(url string, ok bool, reason string)) (here bool) {
	own := o.ours()
	// An admin's own event (a list that was brought back) is no envelope, and the
	// embedded relay carries those alone.
	if here = ev.Kind == nip46.Kind && o.local.Publish(ev, raw) > 0; here {
		result(embedded(own), true, "")
	}
	var out []string
	for _, u := range relays {
		if !slices.Contains(own, u) {
			out = append(out, u)
		}
	}
	if len(out) > 0 {
		o.remote.Publish(o.ctx, of, ev.ID, raw, out, result)
	}
	return here
}

func embedded(own []string) string {
	if len(own) > 0 {
		return own[0]
	}
	return "embedded"
}
