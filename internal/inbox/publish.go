package inbox

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// publish sends stored bytes to all relays of their connection. It takes stored
// replies only, so nothing leaves that was not committed.
func (in *Inbox) publish(stored []bunker.Stored) {
	for _, s := range stored {
		if err := in.publishOne(s); err != nil {
			in.Log.Error("a stored reply could not be sent", "request", s.Request(), "error", err)
		}
	}
}

// PublishHere sends the stored replies of a request to the embedded relay: whoever
// waits for them is connected here, and another instance answered.
func (in *Inbox) PublishHere(request nostr.ID) {
	in.spawn(func() {
		_, stored, err := in.Ledger.Request(context.Background(), request)
		if err != nil {
			in.Log.Error("a reply that another instance stored could not be read", "request", request, "error", err)
			return
		}
		for i := range stored {
			if err := in.sendTo(&stored[i], nil, func(string, bool, string) {}); err != nil {
				in.Log.Error("a reply that another instance stored could not be sent", "request", request, "error", err)
			}
		}
	})
}

// Doubt has this instance ask the ledger about events that were made before now: it
// hears keys that another one may have answered so far.
func (in *Inbox) Doubt() { in.seen.doubt(in.Now()) }

func (in *Inbox) away() string {
	if in.Away == nil {
		return ""
	}
	return in.Away()
}

// PublishStored sends one stored reply and tells what each relay said to it, for
// who waits for that: result is called at most once for each, from any goroutine.
func (in *Inbox) PublishStored(s bunker.Stored, result func(url string, ok bool, reason string)) error {
	return in.send(s, result)
}

func (in *Inbox) publishOne(s bunker.Stored) error {
	return in.send(s, func(string, bool, string) {})
}

func (in *Inbox) send(s bunker.Stored, result func(url string, ok bool, reason string)) error {
	relays := s.Relays()
	if t := in.Tenants.Tenant(s.Tenant()); len(relays) == 0 && t != nil {
		relays = t.Relays()
	}
	return in.sendTo(&s, relays, result)
}

// sendTo sends a stored reply to the embedded relay and to relays.
func (in *Inbox) sendTo(s *bunker.Stored, relays []string, result func(url string, ok bool, reason string)) error {
	r := s.Reply()
	raw := r.Bytes
	if r.Sealed {
		var err error
		if raw, err = in.Opener.OpenSealedReply(s.Tenant(), s.Request(), raw); err != nil {
			return err // sealed: it waits for the unseal, or its time is up
		}
	}
	ev, err := outline(s, raw)
	if err != nil {
		return err
	}
	id, part := s.Request(), r.Part
	here := in.Outlet.Send(s.Tenant(), ev, raw, relays, func(url string, ok bool, reason string) {
		if ok {
			in.Ledger.Delivered(id, part, url)
		} else {
			in.Log.Debug("a relay did not take a reply", "relay", url, "reason", reason)
		}
		result(url, ok, reason)
	})
	if !here && len(relays) > 0 && in.Unheard != nil {
		in.Unheard(id, s.Client())
	}
	return nil
}

// outline is what relays look at of a reply's event: all but content and
// signature. Only for a reply that was read back are its bytes parsed.
func outline(s *bunker.Stored, raw []byte) (*nostr.Event, error) {
	r := s.Reply()
	if r.CreatedAt == 0 {
		return nostr.ParseEvent(raw)
	}
	return &nostr.Event{
		ID: r.EventID, PubKey: s.Signer(), CreatedAt: r.CreatedAt, Kind: nip46.Kind, Tags: nostr.Tags{{"p", s.Client().String()}},
	}, nil
}

func parkedEvent(p bunker.Parked) (*nostr.Event, error) {
	ev, err := nostr.ParseEvent(p.Envelope)
	if err != nil {
		return nil, err
	}
	if ev.ID != p.EventID {
		return nil, fmt.Errorf("the envelope of %s is another event's", p.EventID)
	}
	return ev, ev.Verify()
}
