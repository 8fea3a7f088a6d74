package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

func viewKnownClient(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	ended := f.newGrant(c, 1)
	ended.Ended = true
	f.change(func(tx *Tx) error { return tx.PutGrant(ended) })
	v := f.view(c)
	c.Version++ // a grant gives its connection a new version
	if d := cmp.Diff(c, v.Connection); d != "" {
		t.Error(d)
	}
	want := *k
	want.Ciphertext = nil // nobody opens it to decide
	if d := cmp.Diff(&want, v.Key); d != "" {
		t.Error(d)
	}
	if len(v.Grants) != 1 || v.Grants[0].Permissions != "all" || v.Unverified || !v.Tenant.SetUp {
		t.Errorf("%+v", v)
	}
}

func viewStranger(t *testing.T, f *fixture) {
	ctx := context.Background()
	k := f.addKey("herald")
	tok, secret := f.addToken(k, 1)
	v, err := f.View(ctx, bunker.SelfHosted, tok.Signer, random32())
	if err != nil || v.Connection != nil || v.Tenant.Tenant != bunker.SelfHosted || v.Unverified {
		t.Errorf("%+v, %v", v, err)
	}
	o, err := f.Owner(ctx, tok.Signer)
	if err != nil || o.Token == nil || o.Key == nil || o.Token.ID != tok.ID || o.Key.ID != k.ID || o.Npub {
		t.Errorf("owner of a token's signer key: %+v, %v", o, err)
	}
	found, err := f.TokenBySecret(ctx, bunker.SelfHosted, bunker.HashSecret(secret))
	if err != nil || found == nil || found.ID != tok.ID {
		t.Errorf("token by its secret: %+v, %v", found, err)
	}
	if found, err = f.TokenBySecret(ctx, bunker.SelfHosted, random32()); found != nil || err != nil {
		t.Errorf("an unknown secret: %+v, %v", found, err)
	}
	var e *bunker.Error
	if _, err := f.View(ctx, bunker.SelfHosted, random32(), random32()); !errors.As(err, &e) || e.Code != bunker.CodeNotFound {
		t.Errorf("nobody's signer key: %v", err)
	}
	if _, err := f.View(ctx, bunker.SelfHosted, k.PubKey, random32()); err == nil {
		t.Error("a user key without npub login is heard")
	}
	k.NpubLogin = true
	f.change(func(tx *Tx) error { return tx.PutKey(k) })
	if v, err = f.View(ctx, bunker.SelfHosted, k.PubKey, random32()); err != nil || v.Connection != nil {
		t.Errorf("a user key with npub login: %+v, %v", v, err)
	}
	if o, err = f.Owner(ctx, k.PubKey); err != nil || !o.Npub || o.Key.ID != k.ID || o.Token != nil {
		t.Errorf("owner of a user key with npub login: %+v, %v", o, err)
	}
	if o, err = f.Owner(ctx, random32()); err != nil || o != (bunker.SignerOwner{}) {
		t.Errorf("nobody's: %+v, %v", o, err)
	}
	npubs, err := f.NpubLogins(ctx, bunker.SelfHosted)
	if err != nil || len(npubs) != 1 || npubs[0].PubKey != k.PubKey {
		t.Errorf("%v, %v", npubs, err)
	}
}

func viewSealed(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	f.auth.sealed.Store(true)
	v := f.view(c)
	if !v.Unverified || v.Connection == nil || v.Connection.ID != c.ID {
		t.Errorf("%+v", v)
	}
	st, verified, err := f.Tenant(context.Background(), bunker.SelfHosted)
	if err != nil || verified || !st.SetUp {
		t.Errorf("tenant: %+v, %v, %v", st, verified, err)
	}
}

func listsSealed(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k := f.addKey("herald")
	tok, secret := f.addToken(k, 1)
	c := f.addConnection(k)
	admin := &bunker.Admin{Tenant: self, PubKey: random32(), Role: bunker.Owner}
	f.change(func(tx *Tx) error { return tx.PutAdmin(admin) })
	f.auth.sealed.Store(true)
	_, e1 := f.Keys(ctx, self, Page{})
	_, e2 := f.Key(ctx, self, "herald")
	_, e3 := f.Tokens(ctx, self, Page{})
	_, e4 := f.TokenBySecret(ctx, self, bunker.HashSecret(secret))
	_, e5 := f.Connections(ctx, self, "", Page{})
	_, e6 := f.Connection(ctx, self, c.ID)
	_, e7 := f.Grants(ctx, self, c.ID, Page{})
	_, e8 := f.Admins(ctx, self)
	_, e9 := f.Owner(ctx, tok.Signer)
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9, f.VerifyAll(ctx, self)} {
		if !Sealed(err) {
			t.Errorf("read %d: %v", i+1, err)
		}
	}
	admins, err := f.UnverifiedAdmins(ctx, self)
	if err != nil || !HasAdmin(admins, admin.PubKey) || HasAdmin(admins, random32()) || admins.Len() != 1 {
		t.Errorf("the admin handshake: %v", err)
	}
	keys, err := f.UnverifiedKeys(ctx, self)
	if err != nil || cmp.Diff(KeyNames(keys), []string{"herald"}) != "" {
		t.Errorf("status: %v", err)
	}
	if err := f.tryChange(func(tx *Tx) error { return tx.PutAdmin(admin) }); !Sealed(err) {
		t.Errorf("a change of authority while sealed: %v", err)
	}
	counts, err := f.Counts(ctx, self)
	if err != nil || counts.Keys != 1 || counts.Tokens != 1 || counts.Connections[bunker.ConnActive] != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
	heard, err := f.Listeners(ctx, self)
	if err != nil || len(heard) != 1 || heard[0].Client != c.Client || len(heard[0].Relays) != 1 {
		t.Errorf("%+v, %v", heard, err)
	}
}

// touches are all fields that carry authority; the key columns are the table's
// name for the row.
var touches = map[string][]string{
	"tenant_head": {"set_up = 0", "stopped = 1", "default_effect = 2", "reviewed = 0", "refuse_before = 9", "incarnation = 'i9'",
		"incarnation_no = 9", `quorum = '{"export":2}'`, "version = version + 1", "mac = zeroblob(32)", "mac = NULL"},
	"user_key": {"id = 'k9'", "name = 'x'", "pubkey = randomblob(32)", "state = 'deleting'", "locked = 1", "no_export = 1", "own_passphrase = 1",
		"npub_login = 1", "admin_here = 1", "default_effect = 2", "delete_at = 9", "created_at = 9", "version = version + 1",
		"ciphertext = randomblob(9)", "guard_share = -1", "baseline = 1", "paused = 0", "paused_until = 9", "mac = zeroblob(32)", "mac = NULL"},
	"token": {"id = 't9'", "key_id = 'k9'", "signer = randomblob(32)", "secret_hash = randomblob(32)", "client = 'x'", "person = 'x'",
		"permissions = 'sign_event'", "max_uses = 9", "uses = 1", "state = 'spent'", "expires_at = 9", "grant_for = 9", "created_by = 'x'",
		"created_at = 9", "version = version + 1", "policy = 'p9'", "mac = NULL"},
	"connection": {"id = 'c9'", "key_id = 'k9'", "signer = randomblob(32)", "client = randomblob(32)", "state = 'suspended'", "token = 't9'",
		"name = 'x'", "person = 'x'", "relays = '[]'", "expires_at = 9", "created_at = 9", "resume_at = 9", `switch_to = '["wss://x.example"]'`, "version = version + 1", "mac = NULL"},
	"connection_grant": {"id = 'g9'", "effect = 0", "permissions = 'ping'", "op_digest = randomblob(32)", "approval = 'a9'", "answers = 'care'",
		"max_uses = 9", "expires_at = 9", "given_by = 'x'", "created_at = 9", "ended = 1", "version = version + 1", "policy = 'p9'", "mac = NULL"},
	"policy":         policyTouches,
	"policy_version": policyTouches,
	"admin": {"pubkey = randomblob(32)", "role = 1", "name = 'x'", "added_by = 'x'", "active_at = 9", "legacy_until = 9", "script = 1", `keys = '["k9"]'`, "created_at = 9",
		"version = version + 1", "mac = NULL"},
	"invite": {"id = 'i9'", "secret_hash = randomblob(32)", "for_pubkey = randomblob(32)", "role = 4", "keys = ''", "name = 'x'",
		"invited_by = 'x'", "inviter = randomblob(32)", "state = 'accepted'", "accepted_by = randomblob(32)", "accepted_at = 9",
		"expires_at = 9", "created_at = 9", "version = version + 1", "mac = NULL"},
	"motion": {"id = 'm9'", "command = 'x'", "params = randomblob(9)", "digest = randomblob(32)", "key_id = 'k9'", "moved_by = 'x'", "votes = '[]'",
		"state = 'done'", "expires_at = 9", "created_at = 9", "version = version + 1", "mac = NULL"},
	"notify_channel": {"name = 'x'", "kind = 'ntfy'", "settings = '{}'", "secret = randomblob(9)", "created_at = 9", "version = version + 1", "mac = NULL"},
}

var policyTouches = []string{"id = 'p9'", "name = 'x'", "description = 'x'", "zone = 'UTC'", "rules = '[{\"id\":\"x\",\"effect\":\"allow\"}]'", "rules = 'x'", "ended = 1",
	"changed_by = 'x'", "changed_at = 9", "created_at = 9", "version = version + 1", "mac = zeroblob(32)", "mac = NULL"}

// loose columns are outside the MAC: counters, hints, and what protects itself.
var loose = map[string]bool{
	"tenant_head.tenant": true, "tenant_head.chain_seq": true, "tenant_head.chain_head": true, "tenant_head.ledger_time": true,
	"tenant_head.standing": true, // the provider's: it gives no right
	"tenant_head.pending":  true, "tenant_head.pending_mac": true, "user_key.tenant": true, "token.tenant": true, "connection.tenant": true,
	"connection.metadata": true, "connection.last_used": true, "connection.uses": true, "connection_grant.tenant": true,
	"tenant_head.quota": true, "connection.seat_day": true, // the provider's, and its count: they give no right
	"connection_grant.connection": true, "connection_grant.uses": true, "admin.tenant": true, "invite.tenant": true, "invite.tries": true, "motion.tenant": true,
	"policy.tenant": true, "policy_version.tenant": true,
	"notify_channel.tenant": true, "notify_channel.sealed_mac": true, // checked where channels are read: ATouchedChannelIsNotUsed
}

func touchedFields(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k := f.addKey("herald")
	f.addToken(k, 2)
	f.addConnection(k)
	f.addPolicy("newsroom")
	k.Paused = true
	f.change(func(tx *Tx) error {
		return errors.Join(
			tx.PutKey(k),
			tx.PutAdmin(&bunker.Admin{Tenant: self, PubKey: random32(), Role: bunker.Owner, Name: "a"}),
			tx.PutInvite(&bunker.Invite{Tenant: self, ID: bunker.NewInviteID(), Role: bunker.Viewer, Keys: []bunker.KeyID{k.ID}, State: bunker.InviteOpen}),
			tx.PutMotion(&bunker.Motion{Tenant: self, ID: bunker.NewMotionID(), Command: "key.delete", Votes: []bunker.Vote{{By: random32(), At: 1}}, State: bunker.MotionOpen}),
		)
	})
	f.tamper("DROP TRIGGER policy_version_stays", "DROP TRIGGER policy_version_stays_there") // as somebody with the file can
	f.addChannel("ops")
	if err := f.VerifyAll(ctx, self); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	for table, sets := range touches {
		covered := map[string]bool{}
		for _, set := range sets {
			var column string
			if _, err := fmt.Sscan(set, &column); err != nil {
				t.Fatal(err)
			}
			covered[column] = true
			f.tamper("PRAGMA foreign_keys = 0", "CREATE TEMP TABLE kept AS SELECT * FROM "+table, "UPDATE "+table+" SET "+set)
			if err := f.VerifyAll(ctx, self); !errors.Is(err, bunker.ErrTampered) {
				t.Errorf("%s: %s: %v", table, set, err)
			}
			f.tamper("DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM kept", "DROP TABLE kept")
			if err := f.VerifyAll(ctx, self); err != nil {
				t.Fatalf("%s was not put back after %s: %v", table, set, err)
			}
		}
		for _, column := range f.columns(table) {
			if !covered[column] && !loose[table+"."+column] {
				t.Errorf("%s.%s is neither tried here nor said to be loose", table, column)
			}
		}
	}
}

func swappedMACs(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c, other := f.addConnection(k), f.addConnection(k)
	f.tamper(fmt.Sprintf(`UPDATE connection SET mac = (SELECT mac FROM connection WHERE id = '%s') WHERE id = '%s'`, other.ID, c.ID))
	_, err := f.View(context.Background(), c.Tenant, c.Signer, c.Client)
	if !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a view with another row's MAC: %v", err)
	}
	// A row that was edited by another process is noticed at once if it was not
	// read before, and by the next commit if it was.
	third := f.addConnection(k)
	f.view(other)
	e := f.entry(other)
	f.tamper(fmt.Sprintf(`UPDATE connection_grant SET permissions = 'ping' WHERE connection IN ('%s', '%s')`, other.ID, third.ID))
	if _, err := f.View(context.Background(), third.Tenant, third.Signer, third.Client); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a view with an edited grant: %v", err)
	}
	if f.keeps() {
		if v := f.view(other); v.Grants[0].Permissions != "all" {
			t.Errorf("an edited grant decides: %+v", v.Grants)
		}
	}
	f.afterEdit(f.commit(e))
	if _, err := f.View(context.Background(), other.Tenant, other.Signer, other.Client); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a view with an edited grant, after a commit: %v", err)
	}
	f.auth.sealed.Store(true)
	if v := f.view(other); !v.Unverified {
		t.Error("a sealed view claims to be verified")
	}
}
