package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nsecbunker/internal/config"
	"nsecbunker/internal/dial"
)

// TestAGuestDoesNotLearnTheMachinesAddresses: why a relay is not reached is shown to those who
// use it, and a name of theirs can lead into the machine's network after it was added.
func TestAGuestDoesNotLearnTheMachinesAddresses(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	err = d.dialer.Check(context.Background(), "localhost:7447")
	if !errors.Is(err, dial.ErrRefused) || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "::1") {
		t.Errorf("a guest would read: %v", err)
	}
}
