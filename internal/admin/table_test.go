package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

var update = flag.Bool("update", false, "write the golden file and docs/commands.md anew")

// TestEveryCommandForEveryRoleAndDoor holds the one check of authority against
// the table: who may not is refused before anything is looked at, and nothing is
// recorded; who may is not refused for who he is. Later commands are covered by
// being in the table.
func TestEveryCommandForEveryRoleAndDoor(t *testing.T) {
	f := setUp(t)
	f.House = struct{ House }{} // so that its commands are judged like the others
	doors := []bunker.Door{bunker.DoorSocket, bunker.DoorRelay, bunker.DoorHTTP, bunker.DoorSystem, bunker.DoorDM, bunker.DoorLegacy, "", "window"}
	cases := 0
	for _, c := range f.Commands() {
		before := f.seq()
		for role := bunker.NoRole; role <= bunker.Owner; role++ {
			for _, door := range doors {
				for _, fresh := range []bool{false, true} {
					p := bunker.Principal{Name: "somebody", Role: role, Door: door, Fresh: fresh}
					if c.Anyone { // TestInvitingIsAnOwnersAndBounded: nobody here has an npub
						continue
					}
					may := c.Role != bunker.NoRole && role >= c.Role && slices.Contains(c.Doors, door) && (fresh || !c.Dangerous)
					err := f.permit(t.Context(), p, c)
					if (err == nil) != may {
						t.Errorf("%s by %s at %q, fresh %t: %v", c.Name, role, door, fresh, err)
					}
					cases++
					if may {
						continue
					}
					_, err = f.Dispatch(t.Context(), p, c.Name, []byte(`{"nonsense":1}`))
					want := bunker.CodeRestricted
					if role >= c.Role && slices.Contains(c.Doors, door) {
						want = bunker.CodeNeedsProof
					}
					var e *bunker.Error
					if !errors.As(err, &e) || e.Code != want {
						t.Errorf("%s by %s at %q, fresh %t: got %v, want %s", c.Name, role, door, fresh, err, want)
					}
				}
			}
		}
		if f.seq() != before {
			t.Fatalf("%s: a refused call was recorded as done", c.Name)
		}
	}
	t.Logf("%d commands, %d cases", len(f.Commands()), cases)
}

// TestOnlyAFewCommandsWorkWhileSealed: authority does not change then.
func TestOnlyAFewCommandsWorkWhileSealed(t *testing.T) {
	f := setUp(t)
	f.House = struct{ House }{}
	f.do("seal", nil)
	sealed := map[string]bool{"status": true, "setup": true, "unseal": true, "slot.list": true, "relay.list": true, "stop": true, "instance.check": true,
		"notify.list": true, "notify.test": true, "instance.list": true, "instance.drain": true}
	for _, c := range f.Commands() {
		p := System()
		p.Door = c.Doors[0]
		if c.Anyone {
			p.PubKey = pubOf(9)
		}
		err := f.permit(t.Context(), p, c)
		if (err == nil) != sealed[c.Name] {
			t.Errorf("%s while sealed: %v", c.Name, err)
		}
		if err != nil && bunker.AsError(err).Code != bunker.CodeSealed {
			t.Errorf("%s while sealed: %v", c.Name, err)
		}
	}
}

// TestEveryCommandIsDescribed: what the references are made of is there, and what
// follows from security.md section 4 (Roles, Dangerous commands) holds.
func TestEveryCommandIsDescribed(t *testing.T) {
	f := newFixture(t)
	dangerous := []string{
		"admin.add", "admin.invite", "admin.legacy", "admin.remove", "admin.script", "backup.create", "backup.export", "clock.accept", "device.pair", "key.delete", "key.export", "key.guard", "key.import", "key.passphrase.remove", "key.passphrase.set", "leave", "passphrase.change", "quorum.approve", "quorum.set", "slot.add", "slot.remove", "stop.end", "tenant.backup", "tenant.end",
	}
	var got []string
	for _, c := range f.Commands() {
		if c.Summary == "" || !strings.HasSuffix(c.Summary, ".") || (c.Role == bunker.NoRole) != c.Anyone || len(c.Doors) == 0 {
			t.Errorf("%s is not described", c.Name)
		}
		if c.Dangerous {
			got = append(got, c.Name)
			if c.Role != bunker.Owner && c.Name != "quorum.approve" { // which calls the command with all its checks
				t.Errorf("%s is dangerous and not an owner's", c.Name)
			}
		}
		if c.WhileSealed && c.Dangerous {
			t.Errorf("%s is dangerous and works while sealed", c.Name)
		}
		// A viewer changes nothing, but for opening the bunker with its passphrase, and
		// for what is his own: his devices and sessions (TestDevicesAndSessionsAreMindedByTheirPerson).
		own := []string{"unseal", "device.confirm", "device.refuse", "device.revoke", "session.end"}
		if c.Role == bunker.Viewer && c.Writes && !slices.Contains(own, c.Name) {
			t.Errorf("%s writes, for viewers", c.Name)
		}
	}
	if !slices.Equal(got, dangerous) {
		t.Errorf("dangerous are\n%q, want\n%q", got, dangerous)
	}
}

// TestSecretsArriveAsBytes: a parameter that is named like a secret has the type
// for secrets, and no result has.
func TestSecretsArriveAsBytes(t *testing.T) {
	f := newFixture(t)
	for _, c := range f.Commands() {
		for _, p := range c.Params() {
			named := strings.Contains(p.Name, "pass") || p.Name == "secret" || p.Name == "new" || p.Name == "code" || p.Name == "identity"
			if named != (p.Type == "secret text") {
				t.Errorf("%s: %s is of type %s", c.Name, p.Name, p.Type)
			}
		}
		walk(c.result, func(t2 reflect.Type) {
			if t2 == reflect.TypeFor[secret.Param]() {
				t.Errorf("%s returns a secret parameter", c.Name)
			}
		})
	}
}

func walk(t reflect.Type, f func(reflect.Type)) {
	f(t)
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			walk(t.Field(i).Type, f)
		}
	case reflect.Slice, reflect.Pointer, reflect.Map:
		walk(t.Elem(), f)
	}
}

func TestUnknownCommandsAreToldInWords(t *testing.T) {
	f := newFixture(t)
	_, err := f.Dispatch(t.Context(), owner(), "key.ad\x1b[2Jd", nil)
	if e := bunker.AsError(err); e.Code != bunker.CodeNotFound || strings.ContainsRune(e.Words, 0x1b) || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}

// TestACommandThatWritesMustRecord: a function that ends without its commit is a
// bug that is refused, and so is one that commits twice or without being marked.
func TestACommandThatWritesMustRecord(t *testing.T) {
	f := setUp(t)
	run := func(writes bool, commits int) error {
		name := fmt.Sprintf("test.%t.%d", writes, commits)
		add(f.Table, Command{Name: name, Role: bunker.Viewer, Doors: local(), Writes: writes}, func(ctx context.Context, c *Call, _ Empty) (Empty, error) {
			for range commits {
				if err := c.Commit(ctx, &bunker.AuditRecord{}, func(Tx) error { return nil }); err != nil {
					return Empty{}, err
				}
			}
			return Empty{}, nil
		})
		_, err := f.Dispatch(t.Context(), owner(), name, nil)
		return err
	}
	for _, c := range []struct {
		writes  bool
		commits int
		ok      bool
	}{{true, 1, true}, {true, 0, false}, {true, 2, false}, {false, 0, true}, {false, 1, false}} {
		if err := run(c.writes, c.commits); (err == nil) != c.ok {
			t.Errorf("writes %t, %d commits: %v", c.writes, c.commits, err)
		}
	}
}

// A change whose record cannot be stored is not made.
func TestNoRecordNoChange(t *testing.T) {
	f := setUp(t)
	f.tamper(`CREATE TRIGGER no_more BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END`)
	for name, p := range map[string]m{
		"key.add": {"name": "herald"}, "relay.add": {"url": "wss://two.example.com"}, "admin.add": {"npub": npubOf(2), "role": "viewer"}, "stop": {},
		"slot.add": {"kind": "passphrase", "name": "second", "passphrase": "a second long passphrase"},
	} {
		if _, err := f.call(name, p); err == nil {
			t.Errorf("%s went through without a record", name)
		}
	}
	if s := f.do("status", nil); get(s, "keys", "all") != 0.0 || str(s, "state") != "unsealed" || len(get(s, "admins").([]any)) != 1 {
		t.Errorf("something was changed: %v", s)
	}
	if slots := get(f.do("slot.list", nil), "slots").([]any); len(slots) != 1 {
		t.Errorf("slots: %v", slots)
	}
}

// TestGoldenCommands shows each change of authority in review.
func TestGoldenCommands(t *testing.T) {
	f := newFixture(t)
	var b bytes.Buffer
	for _, c := range f.Commands() {
		fmt.Fprintf(&b, "%s  [%s] doors:%s%s%s%s\n", c.Name, c.Role, doorList(c), mark(c.Dangerous, " DANGEROUS"), mark(c.WhileSealed, " while-sealed"), mark(c.Writes, " writes"))
		golden(&b, "< ", c.Params())
		golden(&b, "> ", c.Result())
	}
	same(t, "testdata/commands.golden", b.Bytes())
}

func doorList(c *Command) string {
	var out []string
	for _, d := range c.Doors {
		out = append(out, string(d))
	}
	return strings.Join(out, ",")
}

func mark(on bool, s string) string {
	if on {
		return s
	}
	return ""
}

func golden(b *bytes.Buffer, prefix string, fields []Field) {
	for _, p := range fields {
		fmt.Fprintf(b, "    %s%s%s: %s\n", prefix, p.Name, mark(p.Optional, "?"), p.Type)
		golden(b, prefix+p.Name+".", p.Fields)
	}
}

// TestTypesOfTheAdminApp keeps the types of the admin app what the table says.
func TestTypesOfTheAdminApp(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTypeScript(&b, newFixture(t).Table); err != nil {
		t.Fatal(err)
	}
	same(t, "../../ui/src/lib/api/commands.ts", b.Bytes())
}

// TestReferenceOfCommands keeps docs/commands.md what the table says.
func TestReferenceOfCommands(t *testing.T) {
	f := newFixture(t)
	var b bytes.Buffer
	if err := WriteReference(&b, f.Table); err != nil {
		t.Fatal(err)
	}
	same(t, "../../docs/commands.md", b.Bytes())
}

func same(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table says; look at the change, then run: go test ./internal/admin -update", path)
	}
}

func TestMissingDependenciesAreNamed(t *testing.T) {
	f := newFixture(t)
	whole := f.Deps
	for name, take := range map[string]func(*Deps){
		"Tenant": func(d *Deps) { d.Tenant = "" }, "Now": func(d *Deps) { d.Now = nil }, "Vault": func(d *Deps) { d.Vault = nil },
		"Rows": func(d *Deps) { d.Rows = nil }, "Slots": func(d *Deps) { d.Slots = nil }, "KDF": func(d *Deps) { d.KDF = nil },
		"Around": func(d *Deps) { d.Around = nil }, "Backup": func(d *Deps) { d.Backup = nil }, "DeleteWait": func(d *Deps) { d.DeleteWait = 1 },
	} {
		d := whole
		take(&d)
		if _, err := New(d); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// Every write command that was called in these tests would show here if its
// result could not be written as JSON; this holds it for zero results, too.
func TestZeroResultsAreJSON(t *testing.T) {
	f := newFixture(t)
	for _, c := range f.Commands() {
		if _, err := json.Marshal(reflect.New(c.result).Interface()); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
