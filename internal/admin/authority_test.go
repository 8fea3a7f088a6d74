package admin

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"nsecbunker/internal/bunker"
)

// TestGoldenAuthority shows each change of who may do what in review: one line a
// command, in the order of the roles of security.md section 4.
func TestGoldenAuthority(t *testing.T) {
	f := newFixture(t)
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	for role := bunker.NoRole; role <= bunker.Owner; role++ {
		for _, c := range f.Commands() {
			if c.Role != role {
				continue
			}
			who := role.String()
			if c.Anyone {
				who = "anyone with an npub"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Name, who, doorList(c), scopeWords(c.Scope), extras(c))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	same(t, "testdata/authority.golden", []byte(strings.Join(lines, "\n")))
}

func extras(c *Command) string {
	return strings.TrimSpace(mark(c.Dangerous, " dangerous") + mark(c.Writes, " writes") + mark(c.WhileSealed, " while-sealed") + mark(c.House, " provider") + mark(c.Machine, " machine") + mark(c.Writes && worksHeld(c), " while-held") +
		[...]string{"", " quorum:export", " quorum:delete", " quorum:policy", " quorum:admins", " quorum:itself", " quorum:asked"}[c.Quorum])
}

func scopeWords(s Scope) string {
	words := []string{}
	for _, n := range s.Names {
		words = append(words, fmt.Sprintf("%s:%s", n.Param, [...]string{"", "key", "connection", "token", "question", "grant", "motion"}[n.Noun]))
	}
	switch {
	case s.whole():
		return "whole bunker"
	case s.Self:
		return "himself"
	case s.Lists:
		words = append(words, "his part")
	}
	return strings.Join(words, ", ")
}

// TestTheRolesInTheDocsAreThoseOfTheTable: the page is made from the table.
func TestTheRolesInTheDocsAreThoseOfTheTable(t *testing.T) {
	const path, begin, end = "../../docs/admins.md", "<!-- roles -->\n", "<!-- /roles -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the roles", path)
	}
	f := newFixture(t)
	var b strings.Builder
	b.WriteString("| Role | may also |\n|---|---|\n")
	for role := bunker.NoRole; role <= bunker.Owner; role++ {
		var list []string
		for _, c := range f.Commands() {
			if c.Role == role && !slices.Equal(c.Doors, []bunker.Door{bunker.DoorSystem}) {
				list = append(list, "`"+c.Name+"`"+mark(c.Dangerous, "**!**")+mark(!c.Scope.whole(), " *k*"))
			}
		}
		who := "**" + role.String() + "**"
		if role == bunker.NoRole {
			who = "somebody who was invited"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", who, strings.Join(list, ", "))
	}
	same(t, path, []byte(before+begin+b.String()+end+after))
}

// TestRolesAreThoseOfTheDesign: security.md section 4, Roles, written out by hand. Each
// command is in the first role of the design that it belongs to; a new one is to be
// put there, too.
func TestRolesAreThoseOfTheDesign(t *testing.T) {
	f := newFixture(t)
	design := map[bunker.Role]string{
		// reads (and opens the bunker, with its passphrase)
		bunker.Viewer: `admin.list admin.self approval.answered approval.list approval.settings approval.show audit.checkpoint audit.count audit.export audit.list audit.verify connection.list connection.show device.confirm device.list device.refuse device.revoke session.end session.list
			instance.check instance.list key.list key.profile.check key.profile.show key.relays.check key.relays.show key.show key.version.show key.versions notify.key policy.check policy.explain policy.list policy.show policy.simulate policy.versions quorum.list quorum.show relay.list seat.list slot.list status token.list token.show unseal
			key.picture picture.settings`,
		// also answers questions, suspends, stops everything
		bunker.Approver: `approval.answer approval.batch login.close connection.suspend key.pause quorum.approve quorum.withdraw stop`,
		// also adds, renames and locks keys, hands out tokens and policies, edits connections
		bunker.Operator: `approval.set connect key.baseline key.profile.set key.relays.set key.version.restore login.expect notify.list notify.test policy.create policy.delete policy.edit
			connection.grant connection.person connection.regrant connection.relays connection.rename connection.resume
			connection.revoke connection.ungrant key.add key.lock key.rename key.resume key.set key.unlock token.create token.revoke`,
		// also imports, exports, deletes, admins, devices, slots, quorum, backup, ends a stop
		bunker.Owner: `picture.set
			admin.add admin.invite admin.invites admin.legacy admin.script admin.remove admin.uninvite backup.create backup.export clock.accept connection.review instance.drain device.pair device.wait key.delete
			key.export key.guard key.import key.no_export key.passphrase.remove key.passphrase.set key.purge key.restore leave notify.add notify.remove notify.set passphrase.change passphrase.check person.forget
			copy.older copy.stop quorum.set relay.add relay.purge relay.remove seal setup slot.add slot.remove stop.end
			order.list order.refund order.retry order.show plan.list plan.order plan.quote plan.renew plan.show
			tenant.add tenant.backup tenant.code tenant.end tenant.list tenant.quota tenant.restore tenant.resume tenant.show tenant.suspend`,
	}
	for _, c := range f.Commands() {
		if c.Anyone {
			continue // the invited: admin.accept
		}
		if !slices.Contains(strings.Fields(design[c.Role]), c.Name) {
			t.Errorf("%s is for %s in the table, and elsewhere or nowhere in the design", c.Name, c.Role)
		}
	}
}

// TestAnApproverStopsEverythingAndOnlyAnOwnerEndsIt, from afar.
func TestAnApproverStopsEverythingAndOnlyAnOwnerEndsIt(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "approver"})
	f.do("admin.add", m{"npub": npubOf(3), "role": "operator"})
	f.do("admin.add", m{"npub": npubOf(4), "role": "approver", "keys": []string{"herald"}})
	f.do("admin.add", m{"npub": npubOf(5), "role": "viewer"})
	f.deny(f.as(5), bunker.CodeRestricted, "approver", "stop", nil)
	f.deny(f.as(4), bunker.CodeRestricted, "whole bunker", "stop", nil)
	f.doAs(f.as(2), "stop", nil)
	if !f.keyRow("herald").Locked {
		t.Error("a key is not locked")
	}
	f.deny(f.as(3), bunker.CodeRestricted, "owner", "stop.end", nil)
	f.doAs(f.as(1), "stop.end", nil)
}

// TestGlassIsOnlyWhereAQuorumIs: what several persons must want can be done by the
// machine's own administrator, with a fresh proof, and nothing else has the parameter.
func TestGlassIsOnlyWhereAQuorumIs(t *testing.T) {
	f := newFixture(t)
	for _, c := range f.Commands() {
		_, glass := fieldsOf(c.params)["break_glass"]
		if quorum := c.Quorum != QuorumNone; glass != quorum && c.Quorum != QuorumAsked {
			t.Errorf("%s: break_glass %t, quorum %t", c.Name, glass, quorum)
		}
		if glass && !c.Dangerous && c.Quorum != QuorumAsked { // those ask for the proof where they ask for the votes
			t.Errorf("%s breaks the glass without a proof", c.Name)
		}
		if c.Quorum != QuorumNone && !c.Writes {
			t.Errorf("%s has a quorum and writes nothing", c.Name)
		}
	}
}
