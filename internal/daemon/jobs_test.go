package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/config"
)

// TestCheckpointsThatAreLateAreToldOnce: with ten thousand bunkers there were as many lines, and
// each said that something could not be reached.
func TestCheckpointsThatAreLateAreToldOnce(t *testing.T) {
	c := config.Default()
	c.Listen, c.AllowSwap = "127.0.0.1:0", true
	var said bytes.Buffer
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Config: c, Log: slog.New(slog.NewTextHandler(&said, nil)), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	said.Reset()
	up, cancel := context.WithCancel(t.Context())
	cancel()
	d.checkpoints(up, true)
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "the time for checkpoints was up") {
		t.Errorf("it said %q", got)
	}
	if left := d.grown.take(); !slices.Contains(left, d.home.id) {
		t.Errorf("%v wait for the next ones, %s not", left, d.home.id)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
