package bunkertest

import (
	"errors"
	"sync"
)

// Faults makes the store of a bunker fail. The zero value lets everything pass.
type Faults struct {
	mu   sync.Mutex
	dead bool
	at   func(point string) error
}

var errCrashed = errors.New("bunkertest: the process has ended")

// At implements store.Faults.
func (f *Faults) At(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return errCrashed
	}
	if f.at == nil {
		return nil
	}
	return f.at(point)
}

// Set lets at decide at every point, one at a time; nil lets everything pass.
func (f *Faults) Set(at func(point string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
}

// die lets nothing be stored any more.
func (f *Faults) die() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
}
