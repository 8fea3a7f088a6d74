package signerrelay

import "context"

// maxIdleHands is how many goroutines wait for the next event. Each has a stack
// that has grown already, which for a new one costs more than to hand it over.
const maxIdleHands = 64

// hands are the goroutines that events are worked on, as many as there are events.
type hands struct {
	jobs chan func()
	idle chan struct{} // one for each that waits
}

func newHands() hands {
	return hands{jobs: make(chan func()), idle: make(chan struct{}, maxIdleHands)}
}

// do has f done at once, by one that waits or by a new one. Those that wait end
// with ctx.
func (h *hands) do(ctx context.Context, f func()) {
	select {
	case h.jobs <- f:
	default:
		go h.work(ctx, f)
	}
}

func (h *hands) work(ctx context.Context, f func()) {
	for {
		f()
		select {
		case h.idle <- struct{}{}:
		default:
			return
		}
		select {
		case f = <-h.jobs:
			<-h.idle
		case <-ctx.Done():
			<-h.idle
			return
		}
	}
}
