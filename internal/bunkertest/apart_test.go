package bunkertest

import (
	"encoding/json"
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
	mark, own := "zz"+g.ID[2:], "yy"+g.ID[2:] // the second is named by nobody else
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

// snapshot is all rows of a tenant's authority and log, as far as its head tells of each
// change.
func (g *Guest) snapshot() (seq int, head string) {
	st := g.Do("status", nil)
	return st.Number("audit.seq"), st.Text("audit.head")
}

// TestTwoTenantsNeverSeeEachOther: every command, with each id and name of another
// tenant in each of its parameters, by an owner who has proven himself: nothing of the
// other comes out, and nothing of it changes.
func TestTwoTenantsNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, b *Bunker) {
		mine, theirs := b.Host("mine"), b.Host("theirs")
		furnish(mine)
		ids, marks := furnish(theirs)
		seq, head := theirs.snapshot()
		by := bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorSocket, Fresh: true}
		calls, unknown := 0, map[string]int{}
		for _, c := range apart(b.Commands()) {
			for _, id := range ids {
				for _, p := range namings(t, c.Params(), "zz"+mine.ID[2:]+"-key", id) {
					calls++
					v, err := b.DispatchTo(t.Context(), bunker.TenantID(mine.ID), by, c.Name, p)
					if err != nil && bunker.AsError(err).Code == bunker.CodeNotFound {
						unknown[id]++
					}
					out, _ := json.Marshal(v)
					for _, m := range marks {
						if strings.Contains(string(out), m) {
							t.Errorf("%s %s shows %s", c.Name, p, m)
						}
					}
				}
			}
		}
		if s, h := theirs.snapshot(); s != seq || h != head {
			t.Errorf("the other's log went from %d to %d", seq, s)
		}
		// And the provider: his own commands, of his own bunker, show nothing of either.
		for _, c := range b.Commands() {
			if c.Writes {
				continue
			}
			for _, id := range append(ids, theirs.ID) {
				for _, p := range namings(t, c.Params(), "", id) {
					v, _ := b.Dispatch(t.Context(), by, c.Name, p)
					out, _ := json.Marshal(v)
					for _, m := range marks {
						if strings.Contains(string(out), m) {
							t.Errorf("the provider's %s %s shows %s", c.Name, p, m)
						}
					}
				}
			}
		}
		t.Logf("%d calls with %d ids, not found: %v", calls, len(ids), unknown)
		for _, id := range ids {
			if unknown[id] == 0 {
				t.Errorf("no command looked for %s", id)
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
