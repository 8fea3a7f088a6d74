package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// slowDoor is a tenant's, whose commands end when they are let.
type slowDoor struct {
	of    bunker.TenantID
	known bool
	end   chan struct{}
}

func (d *slowDoor) Of() bunker.TenantID     { return d.of }
func (d *slowDoor) Known(nostr.PubKey) bool { return d.known }
func (d *slowDoor) Take(context.Context, string, *nostr.Event) (bool, string) {
	if d.end != nil {
		<-d.end
	}
	return true, ""
}

// The admins of one tenant, or strangers at its door, however slow and however many, leave
// room for those of another.
func TestOneTenantsAdminsAndStrangersLeaveRoomForThoseOfOthers(t *testing.T) {
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	key, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("known %t", known), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				l := DefaultLimits()
				in := &Inbox{Config: Config{Log: slog.New(slog.DiscardHandler), Now: time.Now, Limits: l}, admins: newAdmins(l, now)}
				const places = 16 // as adminPlaces, to be quick
				in.admins.known.places = newPlaces(places, places/keptShare, 2)
				n := int64(0)
				event := func() *nostr.Event {
					n++
					ev := (&nostr.Template{Kind: adminwire.Kind, CreatedAt: now.Unix(), Content: fmt.Sprint(n)}).Event(key.PubKey())
					if err := key.Sign(ev); err != nil {
						t.Fatal(err)
					}
					return ev
				}
				loud, quiet := &slowDoor{"loud", known, make(chan struct{})}, &slowDoor{"quiet", known, nil}
				busy := 0
				for range places + maxAdminWaiting + 8 {
					ev := event()
					go func() {
						if v := in.toDoor(t.Context(), loud, "wss://relay", ev, 100); !v.OK {
							busy++
						}
					}()
					synctest.Wait()
				}
				if busy == 0 {
					t.Error("all of a flood wait")
				}
				for range 3 {
					if v := in.toDoor(t.Context(), quiet, "wss://relay", event(), 100); !v.OK {
						t.Errorf("another tenant hears %q", v.Reason)
					}
				}
				close(loud.end)
				synctest.Wait()
			})
		})
	}
}

// A flood of strangers at one tenant's links takes none of the words that those of another
// get.
func TestEachTenantTellsItsOwnStrangers(t *testing.T) {
	s, now := newStrangers(DefaultLimits()), time.Unix(1_800_000_000, 0)
	told := func(of bunker.TenantID, first, n int) (told int) {
		for i := range n {
			told += map[bool]int{true: 1}[s.mayReply(of, nostr.PubKey{byte(first + i), 1}, now)]
		}
		return told
	}
	most := DefaultLimits().StrangerReplies
	if got := told("loud", 0, 200); got != most {
		t.Errorf("%d of a flood are told, want %d", got, most)
	}
	if got := told("quiet", 0, 3); got != 3 {
		t.Errorf("%d of 3 at another tenant are told", got)
	}
	if got := told("quiet", 0, 3); got != 0 {
		t.Errorf("%d are told twice", got)
	}
	if now = now.Add(time.Minute); told("loud", 0, 1) != 1 {
		t.Error("nobody is told in the next minute")
	}
}
