package daemon

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
)

// What instances tell each other by the way: hints, on which nothing rests.

// listening looks at everything that a hint may have been about that was not heard.
func (t *together) listening() {
	t.keeper.Look()
	for _, of := range t.d.tenants.all() {
		t.d.moved.add(of.id)
	}
	t.d.inbox.Wake()
}

// hear takes a hint of another instance.
func (t *together) hear(h bunker.Hint) {
	switch h.Kind {
	case bunker.HintOrder, bunker.HintLease, bunker.HintFollowed:
		t.keeper.Look()
	case bunker.HintCommitted:
		t.d.moved.add(h.Tenant)
		t.d.grown.add(h.Tenant)
		t.d.inbox.Wake()
	case bunker.HintReplies:
		for _, r := range h.Replies {
			if t.d.embedded.Listens(r.Client) {
				t.d.inbox.PublishHere(r.Request)
			}
		}
	}
}

func (t *together) tell(ctx context.Context, h bunker.Hint) {
	if err := t.d.store.Tell(ctx, h); err != nil && ctx.Err() == nil {
		t.d.Log.Debug("the other instances could not be told", "error", err)
	}
}

// committed notes that there is something to hear of.
func (t *together) committed(id bunker.TenantID) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.news[id] = struct{}{}
	t.mu.Unlock()
	t.wake()
}

// unheard notes a stored reply that nobody took at the embedded relay here: whoever
// waits for it may be connected to another instance.
func (t *together) unheard(request nostr.ID, client nostr.PubKey) {
	if t == nil || t.keeper.Alone() {
		return
	}
	t.mu.Lock()
	if len(t.replies) < maxHints {
		t.replies = append(t.replies, bunker.ReplyHint{Request: request, Client: client})
	}
	t.mu.Unlock()
	t.wake()
}

func (t *together) wake() {
	select {
	case t.poke <- struct{}{}:
	default:
	}
}

// tellAll sends what there is to tell, much at a time.
func (t *together) tellAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.poke:
		}
		t.mu.Lock()
		replies, news := t.replies, t.news
		t.replies, t.news = nil, map[bunker.TenantID]struct{}{}
		t.mu.Unlock()
		if t.keeper.Alone() {
			continue
		}
		for id := range news {
			t.tell(ctx, bunker.Hint{Kind: bunker.HintCommitted, Tenant: id})
		}
		for len(replies) > 0 {
			n := min(len(replies), store.MaxReplyHints)
			t.tell(ctx, bunker.Hint{Kind: bunker.HintReplies, Replies: replies[:n]})
			replies = replies[n:]
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(hintEvery):
		}
	}
}
