package remote

import (
	"context"
	"errors"
	"strings"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const (
	// LoginWait is how long a login waits for a person to say yes in the bunker that
	// keeps the admin's key: the other bunker's challenge is good for EpochLife.
	LoginWait = adminwire.EpochLife - 30*time.Second
	// CommandWait is the same for a dangerous command. An answer there is good for
	// fifteen minutes.
	CommandWait = 10 * time.Minute
	// askAgainAfter is the shortest time between two requests.
	askAgainAfter = 2 * time.Second
)

// Waiting is the admin's key in another bunker, where a person is asked each time
// somebody signs in with it, or gives a dangerous command: it asks for the same
// signature again until there is an answer. Such a bunker answers within half a
// minute, that nobody has said yes yet.
type Waiting struct {
	// Ask has a template signed there.
	Ask func(ctx context.Context, t *nostr.Template) (*nostr.Event, error)
	// Say tells who waits how things stand.
	Say func(words string)
}

// Sign implements [Signer].
func (w *Waiting) Sign(ctx context.Context, t *nostr.Template) (*nostr.Event, error) {
	what, long := "the login", LoginWait
	if name := adminwire.CommandOf(t.Content); name != "" {
		what, long = "the command "+name, CommandWait
	}
	w.Say("Waiting for the bunker with your key to sign " + what + ". It asks somebody: nsecbunker approvals, there.")
	until, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	for {
		pace := time.NewTimer(askAgainAfter)
		ev, err := w.Ask(until, t)
		if err == nil || !notYet(err) {
			pace.Stop()
			return ev, err
		}
		w.Say("Nobody has said yes there yet. Still waiting …")
		select {
		case <-pace.C:
		case <-until.Done():
			pace.Stop()
			return nil, err
		}
	}
}

// notYet reports the answer of a bunker whose person has not answered yet (what is
// sent again joins the open question), or whose answer was lost.
func notYet(err error) bool {
	var refused *nip46.RemoteError
	return errors.As(err, &refused) && strings.Contains(refused.Text, policy.NotYet)
}
