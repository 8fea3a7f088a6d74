package relay

import (
	"context"
	"sync"
)

// hooks calls OnChange and OnUp from one goroutine of their own, so that a slow
// one holds up no relay. What is not called yet is kept once per url.
type hooks struct {
	wake chan struct{}

	mu      sync.Mutex
	pending []hook
}

type hook struct {
	url string
	up  bool
}

func (h *hooks) add(url string, up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := hook{url, up}
	for _, have := range h.pending {
		if have == next {
			return
		}
	}
	h.pending = append(h.pending, next)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hooks) take() []hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.pending
	h.pending = nil
	return list
}

// run calls the hooks until ctx ends.
func (h *hooks) run(ctx context.Context, onChange, onUp func(string)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		for _, next := range h.take() {
			call := onChange
			if next.up {
				call = onUp
			}
			if call != nil && ctx.Err() == nil {
				call(next.url)
			}
		}
	}
}
