package bunkertest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
)

// furnish makes one of everything that a bunker can have, and returns what names it there:
// ids, names, and what only its own people may see.
func furnish(g *Guest) (ids []string, marks []string) {
	g.b.t.Helper()
	mark, own := g.mark(), "yy"+g.ID[2:] // the second is named by nobody else
	id := func(a Answer, path string) string {
		v := a.Text(path)
		if v == "" {
			g.b.t.Fatalf("no %s in %v", path, a)
		}
		ids = append(ids, v)
		return v
	}
	key := g.Do("key.add", Params{"name": mark + "-key"})
	id(key, "key.id")
	id(key, "key.name")
	policy := g.Do("policy.create", Params{"name": mark + "-policy", "rules": []Params{kind("r", "allow", 1, nil)}})
	id(policy, "policy.id")
	id(policy, "policy.name")
	tok := g.Do("token.create", Params{"key": mark + "-key", "client": mark + "-link", "perms": "sign_event:1", "person": own + "-person"})
	id(tok, "id")
	app := g.b.Connected(tok.Text("uri"))
	app.Sign(1, "x")
	asked := app.AskSign(7, "y")
	asked.Send()
	g.b.Until("it is asked", func() bool { return len(g.Do("approval.list", nil).Each("approvals")) == 1 })
	id(g.Do("approval.list", nil), "approvals.0.id")
	conn := id(g.Do("connection.list", Params{"state": "active"}), "connections.0.id")
	id(g.Do("connection.show", Params{"id": conn}), "grants.0.id")
	id(g.Do("admin.invite", Params{"role": "viewer", "name": mark + "-guest"}), "invite.id")
	id(g.Do("device.list", nil), "devices.0.id")
	id(g.Do("session.list", nil), "sessions.0.id")
	id(g.Do("slot.list", nil), "slots.0.id")
	g.Do("notify.add", Params{"name": mark + "-told", "kind": "webhook", "target": "https://hooks.example.com/x", "classes": []string{"alarms"}})
	ids = append(ids, mark+"-told")
	return ids, []string{own, key.Text("key.pubkey"), key.Text("key.npub"), app.Key.PubKey().String(), g.Owner.Npub(), g.Owner.Key.PubKey().String()}
}

// mark begins what is named in a bunker.
func (g *Guest) mark() string { return "zz" + g.ID[2:] }

func (g *Guest) tenant() bunker.TenantID {
	if g.ID == houseID {
		return bunker.SelfHosted
	}
	return bunker.TenantID(g.ID)
}

// houseID stands for the house among guests.
const houseID = "t-house"

// asHouse is the house itself as though it were a guest, with an owner in a session.
func (b *Bunker) asHouse() *Guest {
	owner := b.Person("owner")
	return &Guest{ID: houseID, Owner: owner, Where: b.ConnectionString(), Session: owner.In()}
}

// snapshot is what there is in a bunker, as its people see it.
func (g *Guest) snapshot() string {
	g.b.t.Helper()
	var all []string
	for _, list := range []string{"key.list", "policy.list", "token.list", "connection.list", "admin.list", "admin.invites", "slot.list", "notify.list", "relay.list", "quorum.show"} {
		all = append(all, fmt.Sprint(g.Do(list, nil)))
	}
	return used.ReplaceAllString(strings.Join(all, "\n"), "")
}

// used is what changes by itself: the app is told after a while that nobody has said yes.
var used = regexp.MustCompile(` (uses|last_used):[^ \]]*`)

// caller is somebody of a role who came by a door, and has proven himself.
func caller(role bunker.Role, door bunker.Door) bunker.Principal {
	return bunker.Principal{Name: "somebody", Role: role, Door: door, Fresh: true}
}

// callers are every role and every door, and a person whose role is for one key of another
// bunker; with the race detector on fewer.
func callers(key string) []bunker.Principal {
	scoped := caller(bunker.Operator, bunker.DoorRelay)
	scoped.Keys = []bunker.KeyID{bunker.KeyID(key)}
	out := []bunker.Principal{scoped, caller(bunker.Owner, bunker.DoorRelay)}
	if raceDetector {
		return out
	}
	return append(out, caller(bunker.Viewer, bunker.DoorRelay), caller(bunker.Approver, bunker.DoorRelay), caller(bunker.Operator, bunker.DoorRelay),
		caller(bunker.Owner, bunker.DoorHTTP), caller(bunker.Owner, bunker.DoorSocket))
}

// tryAll has callers give every command of one bunker with each id and name of another in
// each of its parameters: nothing of the other comes out, in results or errors, and nothing
// of it changes.
func tryAll(t *testing.T, b *Bunker, mine, theirs *Guest, ids, marks []string, by []bunker.Principal) {
	t.Helper()
	stranger := "somebody of " + mine.ID
	before := theirs.snapshot()
	calls, done, unknown := 0, 0, map[string]int{}
	for _, who := range by {
		who.Name = stranger
		for _, c := range apart(b.Commands()) {
			for _, id := range ids {
				for _, p := range namings(t, c.Params(), mine.mark()+"-key", id) {
					calls++
					v, err := b.DispatchTo(t.Context(), mine.tenant(), who, c.Name, p)
					out, _ := json.Marshal(v)
					if err == nil {
						done++
					} else {
						e := bunker.AsError(err)
						unknown[id] += num(e.Code == bunker.CodeNotFound)
						out = []byte(e.Words + e.Hint + e.Field)
					}
					for _, m := range marks {
						if strings.Contains(string(out), m) {
							t.Errorf("%s, %s, over the %s: %s %s shows %s", mine.ID, who.Role, who.Door, c.Name, p, m)
						}
					}
				}
			}
		}
	}
	if after := theirs.snapshot(); after != before {
		t.Errorf("%s was changed from\n%s\nto\n%s", theirs.ID, before, after)
	}
	if got := theirs.Do("audit.list", Params{"principal": stranger}).Each("records"); len(got) != 0 {
		t.Errorf("in the log of %s stands %v", theirs.ID, got)
	}
	t.Logf("from %s to %s: %d calls with %d ids, %d done; not found: %v", mine.ID, theirs.ID, calls, len(ids), done, unknown)
	for _, id := range ids {
		if unknown[id] == 0 {
			t.Errorf("no command of %s looked for %s", mine.ID, id)
		}
	}
}

// TestTwoTenantsNeverSeeEachOther: every command, by every role and door, with each id and
// name of another bunker of the instance: of a guest's in another's and in the house's, and of
// the house's in a guest's.
func TestTwoTenantsNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, b *Bunker) {
		mine, theirs := b.Host("mine"), b.Host("theirs")
		furnish(mine)
		ids, marks := furnish(theirs)
		owner := caller(bunker.Owner, bunker.DoorSocket)
		if b.config.Database != "" { // what decides is the same: one is enough
			tryAll(t, b, mine, theirs, ids, marks, []bunker.Principal{owner})
			return
		}
		house := b.asHouse()
		own, ownMarks := furnish(house)
		tryAll(t, b, house, theirs, ids, marks, []bunker.Principal{owner})
		tryAll(t, b, mine, house, own, ownMarks, []bunker.Principal{caller(bunker.Owner, bunker.DoorRelay)})
		tryAll(t, b, mine, theirs, ids, marks, callers(ids[0]))
		// What the provider asks about a bunker shows nothing of its keys and people.
		for _, c := range b.Commands() {
			if c.Writes {
				continue
			}
			for _, p := range namings(t, c.Params(), "", theirs.ID) {
				v, err := b.Dispatch(t.Context(), owner, c.Name, p)
				for _, m := range marks {
					if strings.Contains(fmt.Sprint(v, err), m) {
						t.Errorf("the provider's %s %s shows %s", c.Name, p, m)
					}
				}
			}
		}
	})
}

// apart are the commands in an order in which what takes away comes last; what would
// end the test is left out.
func apart(commands []*admin.Command) []*admin.Command {
	out := slices.DeleteFunc(commands, func(c *admin.Command) bool {
		return slices.Contains([]string{"seal", "stop", "setup", "device.wait", "notify.test", "key.baseline"}, c.Name)
	})
	rank := func(c *admin.Command) int {
		_, act, _ := strings.Cut(c.Name, ".")
		return num(slices.Contains([]string{"delete", "revoke", "remove", "end", "forget", "lock", "suspend", "pause", "withdraw", "purge", "rename"}, act))
	}
	slices.SortStableFunc(out, func(x, y *admin.Command) int { return rank(x) - rank(y) })
	return out
}

// namings are the parameters of a command that name an id, each in one place, with what
// else the command needs.
func namings(t *testing.T, fields []admin.Field, key, id string) (out [][]byte) {
	t.Helper()
	rest := Params{
		"key": key, "name": "again", "perms": "sign_event:1", "client": "x", "password": "another good password", "passphrase": Passphrase,
		"role": "viewer", "why": "a test", "digest": strings.Repeat("0", 64), "template": "basic-social", "state": "active",
	}
	for _, f := range fields {
		if f.Type != "text" && f.Type != "list of text" {
			continue
		}
		p := Params{}
		for _, other := range fields {
			if v, ok := rest[other.Name]; ok && v != "" && other.Type == "text" && !other.Optional {
				p[other.Name] = v
			}
		}
		p[f.Name] = id
		if f.Type != "text" {
			p[f.Name] = []string{id}
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}
