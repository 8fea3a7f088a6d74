package bunkertest

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
)

// TestEveryGuestIsOpenedAfterAStart: those that agreed are opened with the house, many at
// once; each log has one record of it, signed; and what one needs for itself (a key with a
// passphrase, a stop that was ordered meanwhile, npub login) it gets. The one of which a row
// was changed from outside stays sealed, alone. How far that is, the house's status says.
func TestEveryGuestIsOpenedAfterAStart(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, b *Bunker) {
		b.opts.Sealed = true
		const guests = 8
		locked, stopped, touched := 2, 3, 5
		var list []*Guest
		var apps []*App
		for i := range guests {
			g := b.Host(fmt.Sprintf("guest %d", i))
			g.Do("slot.add", Params{"kind": "provider", "name": "p"})
			g.Do("key.add", Params{"name": "herald"})
			list, apps = append(list, g), append(apps, b.Connected(g.Link("herald", "sign_event:1")))
		}
		b.Host("not agreed")
		list[locked].Do("key.lock", Params{"key": "herald"})
		sqlite := b.opts.Config != nil && func() bool { c := config.Default(); b.opts.Config(&c); return c.Database == "" }()
		b.Restart()
		before := make([]int, guests)
		for i, g := range list {
			before[i] = b.As(g).Admin("status", nil).Number("audit.seq")
		}
		if st := b.Admin("status", nil); st.Number("guests.all") != guests+1 || st.Number("guests.open") != 0 || st.Number("guests.opening") != 0 {
			t.Errorf("before: %v", st.At("guests"))
		}
		b.As(list[stopped]).Admin("stop", nil)
		open := guests
		if sqlite {
			open--
			beside(t, b, `UPDATE connection SET version = version + 7 WHERE tenant = $1`, list[touched].ID)
		} else {
			touched = -1
		}
		b.Unseal()
		b.Until("every guest is open", func() bool {
			st := b.Admin("status", nil)
			return st.Number("guests.open") == open && st.Number("guests.opening") == 0
		})
		for i, g := range list {
			here := b.As(g)
			st := here.Admin("status", nil)
			if i == touched {
				if st.Text("state") != "sealed" {
					t.Errorf("the touched one is %s", st.Text("state"))
				}
				continue
			}
			if got := len(here.Records(Params{"action": "unseal"})); got != 1 {
				t.Errorf("guest %d has %d records of the unseal", i, got)
			}
			switch i {
			case locked:
				apps[i].AskSign(1, "locked").Fails("locked")
			case stopped:
				if st.Text("state") != "stopped" {
					t.Errorf("the stop that was ordered meanwhile: %s", st.Text("state"))
				}
				apps[i].AskSign(1, "stopped").Fails("stopped")
			default:
				if st.Number("audit.seq") != before[i]+1 || st.Number("audit.checkpoint") != before[i]+1 {
					t.Errorf("guest %d: %v records, %d before", i, st.At("audit"), before[i])
				}
				apps[i].Sign(1, "open")
			}
			here.VerifyOutside()
		}
	})
}

// TestGuestsAreOpenOnlyWithTheirRecord: where the store takes none, together or alone, each
// stays sealed; where it does again, all are opened, and nobody has to ask for it.
func TestGuestsAreOpenOnlyWithTheirRecord(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	b.opts.Sealed = true
	var list []*Guest
	var apps []*App
	for i := range 4 {
		g := b.Host(fmt.Sprintf("guest %d", i))
		g.Do("slot.add", Params{"kind": "provider", "name": "p"})
		g.Do("key.add", Params{"name": "herald"})
		list, apps = append(list, g), append(apps, b.Connected(g.Link("herald", "sign_event:1")))
	}
	b.Restart()
	alter(t, b, `CREATE TRIGGER no_guest BEFORE INSERT ON audit WHEN NEW.action = 'unseal' AND NEW.tenant <> 'self' BEGIN SELECT RAISE(ABORT, 'no'); END`)
	b.Unseal()
	for _, app := range apps { // whose request waits until its guest was tried
		app.AskSign(1, "no record").Fails("sealed")
	}
	if st := b.Admin("status", nil); st.Number("guests.open") != 0 {
		t.Errorf("without their records: %v", st.At("guests"))
	}
	alter(t, b, `DROP TRIGGER no_guest`)
	b.Until("every guest is open", func() bool {
		st := b.Admin("status", nil)
		return st.Number("guests.open") == len(list) && st.Number("guests.opening") == 0
	})
	for i, g := range list {
		if n := len(b.As(g).Records(Params{"action": "unseal"})); n != 1 {
			t.Errorf("%d records", n)
		}
		apps[i].Sign(1, "open")
	}
}

// alter changes the schema from outside.
func alter(t *testing.T, b *Bunker, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
