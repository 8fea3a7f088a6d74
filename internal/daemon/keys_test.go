package daemon

import (
	"log/slog"
	"testing"

	"nsecbunker/internal/config"
	"nsecbunker/nostr"
)

// TestTheAdminKeyThatAnotherInstanceMadeMeanwhileIsTakenIn: two instances that started for the first
// time at once both found none, and the one that came second ended with "already open".
func TestTheAdminKeyThatAnotherInstanceMadeMeanwhileIsTakenIn(t *testing.T) {
	c := config.Default()
	c.Listen, c.AllowSwap = "127.0.0.1:0", true
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Config: c, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	made := d.home.adminKey
	d.home.adminKey = nostr.PubKey{} // as one that read the store before the other one wrote
	if err := d.home.newAdminKey(t.Context()); err != nil || d.home.adminKey != made {
		t.Errorf("the admin key is %s (%v), want %s", d.home.adminKey, err, made)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
