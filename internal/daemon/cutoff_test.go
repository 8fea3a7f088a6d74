package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
)

// TestALogThatWasCutOffIsGoneAfterTheNextStart: the process ended while a bunker was being taken
// in, of which nothing was to be seen yet.
func TestALogThatWasCutOffIsGoneAfterTheNextStart(t *testing.T) {
	ctx, id := context.Background(), bunker.NewTenantID()
	c := config.Default()
	c.Listen, c.Hosted, c.AllowSwap = "127.0.0.1:0", true, true
	o := Options{Dir: t.TempDir(), Config: c, Log: slog.New(slog.DiscardHandler), Version: "test"}
	records := func(d *Daemon) int64 {
		t.Helper()
		left, err := d.RowsOf(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return left["audit"]
	}
	d, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"table":"audit","columns":["tenant","seq","time","event_at","step","principal","action","user_key","connection","effect","body","hash"]}
` + fmt.Sprintf(`["%s",1,1,0,"","p","a","","","allow",{"b":"AA=="},{"b":"AA=="}]`, id)
	if _, err := d.store.StageLog(ctx, id, strings.NewReader(text), io.Discard); err != nil || records(d) != 1 {
		t.Errorf("%d records, %v", records(d), err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	unpacked := filepath.Join(o.Dir, parcelFolder+"1", rowsFile)
	if err := errors.Join(os.Mkdir(filepath.Dir(unpacked), 0o700), os.WriteFile(unpacked, []byte("rows"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	if n := records(d); n != 0 {
		t.Errorf("%d records of no bunker are left", n)
	}
	if _, err := os.Stat(filepath.Dir(unpacked)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was unpacked is left: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
