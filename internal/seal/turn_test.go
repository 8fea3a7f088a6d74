package seal

import (
	"testing"
	"testing/synctest"

	"nsecbunker/internal/bunker"
)

// One child works for all bunkers of a hosted instance: whoever asks it a hundred times
// must not be the only one that it works for.
func TestBunkersTakeTurnsAtPassphrases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, goOn := make(chan string), make(chan struct{})
		of := func(name string) KDF {
			return InTurn(func([]byte, []byte, uint8) ([]byte, error) {
				began <- name
				<-goOn
				return make([]byte, 32), nil
			})
		}
		greedy, other := of("greedy"), of("other")
		results := make(chan error)
		ask := func(kdf KDF) {
			_, err := kdf(nil, nil, MinLogN)
			results <- err
		}
		for range MaxWaiting {
			go ask(greedy)
		}
		if first := <-began; first != "greedy" {
			t.Fatal(first)
		}
		synctest.Wait()
		go ask(greedy)
		wantCode(t, <-results, bunker.CodeRateLimited)
		select {
		case <-began:
			t.Fatal("two of one bunker's were handed on at once")
		default:
		}
		go ask(other)
		if second := <-began; second != "other" {
			t.Fatal("another bunker waits behind all of the first one's")
		}
		go func() {
			for range MaxWaiting - 1 {
				<-began
			}
		}()
		for range MaxWaiting + 1 {
			goOn <- struct{}{}
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}
