package signerrelay

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

func TestEveryEventHasAHandAtOnceAndFewWaitAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		h := newHands()
		for range 2 {
			open := make(chan struct{})
			var done sync.WaitGroup
			for range 3 * maxIdleHands {
				done.Add(1)
				h.do(ctx, func() { <-open; done.Done() }) // returns though nothing ends
			}
			close(open)
			done.Wait()
			synctest.Wait()
			if n := len(h.idle); n != maxIdleHands {
				t.Errorf("%d wait, want %d", n, maxIdleHands)
			}
		}
		end()
		synctest.Wait()
		if n := len(h.idle); n != 0 {
			t.Errorf("%d wait after the end", n)
		}
	})
}
