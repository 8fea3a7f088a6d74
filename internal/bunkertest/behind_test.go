package bunkertest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"nsecbunker/internal/store"
)

// What one instance made while a command was at the keys of another holds there from the next
// request on: that instance takes it in before it judges.
func TestWhatCouldNotBeTakenInIsTakenInBeforeARequestIsJudged(t *testing.T) {
	t.Parallel()
	all := instancesOf(t, 2, Options{})
	one, two := all[0], all[1]
	one.AddKey("first")
	for n := range 5 {
		at, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		two.Faults().Set(func(point string) error {
			if point != store.FaultBegin {
				return nil
			}
			once.Do(func() { close(at); <-goOn })
			return errors.New("the disk is gone")
		})
		ended := make(chan error, 1)
		go func() {
			_, err := two.Try("key.lock", Params{"key": "first"}) // it holds the keys until the store answers
			ended <- err
		}()
		<-at
		name := fmt.Sprint("key", n)
		one.AddKey(name)
		link := one.Token(name, "all")
		close(goOn)
		if err := <-ended; err == nil {
			t.Fatal("the command was done though the store failed")
		}
		two.Faults().Set(nil)
		a := one.App(link).at(two)
		a.Connect().Want("ack")
		a.Sign(1, "at once")
	}
	one.Verify()
}
