package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
)

// fill stores rows as if commands had.
func (f *fixture) fill(put func(*store.Tx) error) {
	f.t.Helper()
	err := f.store.Change(f.t.Context(), bunker.SelfHosted, System(), func(tx *store.Tx) error {
		return errors.Join(put(tx), tx.Audit(bunker.AuditRecord{Action: "test"}))
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// owners makes n owners of the whole bunker, npubs 1 to n, whose roles have begun.
func (f *fixture) owners(n byte) *fixture {
	f.t.Helper()
	for i := byte(2); i <= n; i++ {
		f.do("admin.add", m{"npub": npubOf(i), "role": "owner"})
	}
	f.passTime(OwnerWait)
	return f.remote()
}

// waits is a call that must be stored as a yes alone; it returns the motion's id.
func (f *fixture) waits(p bunker.Principal, more, name string, params m) string {
	f.t.Helper()
	_, err := f.callAs(p, name, params)
	e := bunker.AsError(err)
	if err == nil || e.Code != bunker.CodeWaits || !strings.Contains(e.Words, "waits for "+more) {
		f.t.Fatalf("%s by %s: %v, want to wait for %s", name, p.Name, err, more)
	}
	return strings.Trim(e.Words[strings.LastIndex(e.Words, " ")+1:], "()")
}

// TestADeletionWaitsForAsManyPersonsAsWereSet: the call of the last one does it, in
// the transaction of his yes.
func TestADeletionWaitsForAsManyPersonsAsWereSet(t *testing.T) {
	f := setUp(t).owners(3)
	f.do("key.add", m{"name": "herald"})
	f.doAs(f.as(1), "quorum.set", m{"delete": 3})
	id := f.waits(f.as(1), "2 more of 3", "key.delete", m{"key": "herald"})
	f.waits(f.as(1), "2 more of 3", "key.delete", m{"key": "herald"}) // saying it twice is one person
	again := f.seq()
	f.waits(f.as(1), "2 more of 3", "key.delete", m{"key": "herald"})
	if f.seq() != again {
		t.Error("a yes that is there already is recorded again")
	}
	// By its id, and under another name of the same key.
	f.do("key.rename", m{"key": "herald", "name": "other"})
	if other := f.waits(f.as(2), "1 more of 3", "key.delete", m{"key": "other"}); other != id {
		t.Errorf("another motion for the same key: %s, %s", id, other)
	}
	if f.keyRow("other").State != bunker.KeyActive {
		t.Fatal("it was deleted by two of three")
	}
	list := get(f.doAs(f.as(3), "quorum.list", nil), "motions").([]any)
	if len(list) != 1 || get(list[0], "have") != 2.0 || get(list[0], "need") != 3.0 || str(list[0], "command") != "key.delete" {
		t.Errorf("list: %v", list)
	}
	before := f.seq()
	res := f.doAs(f.as(3), "quorum.approve", m{"id": id})
	if str(res, "state") != "done" || !strings.Contains(str(res, "result"), `"state":"deleting"`) || f.keyRow("other").State != bunker.KeyDeleting {
		t.Errorf("done: %v", res)
	}
	if r := f.last(); r.Seq != before+1 || r.Action != "key.delete" || r.Principal != npubOf(3) {
		t.Errorf("record: %+v", r)
	}
	f.deny(f.as(1), bunker.CodeConflict, "done already", "quorum.approve", m{"id": id})
}

// TestAnExportWaitsAndItsSecretIsStoredNowhere: who says yes with quorum.approve gives
// no password; who calls the command gets the export.
func TestAnExportWaitsAndItsSecretIsStoredNowhere(t *testing.T) {
	f := setUp(t).owners(3)
	f.do("key.add", m{"name": "herald"})
	f.doAs(f.as(1), "quorum.set", m{"export": 2})
	const password = "a password of the first"
	id := f.waits(f.as(1), "1 more of 2", "key.export", m{"key": "herald", "password": password})
	mo, err := f.store.Motion(t.Context(), bunker.SelfHosted, bunker.MotionID(id))
	if err != nil || strings.Contains(fmt.Sprintf("%s %+v", mo.Params, mo), "password") {
		t.Errorf("the motion: %s %v", mo.Params, err)
	}
	res := f.doAs(f.as(2), "quorum.approve", m{"id": id})
	if str(res, "state") != "enough" || str(res, "result") != "" {
		t.Errorf("approved: %v", res)
	}
	// The first one may have it now, with whatever password; once.
	if got := f.doAs(f.as(1), "key.export", m{"key": "herald", "password": "another password of his"}); !strings.HasPrefix(str(got, "ncryptsec"), "ncryptsec1") {
		t.Errorf("export: %v", got)
	}
	f.waits(f.as(1), "1 more of 2", "key.export", m{"key": "herald", "password": password})
	if got := f.doAs(f.as(3), "key.export", m{"key": "herald", "password": password}); str(got, "ncryptsec") == "" {
		t.Error("the call of the last one does not do it")
	}
	f.waits(f.as(1), "1 more of 2", "leave", m{"password": password})
	f.doAs(f.as(2), "leave", m{"password": password})
}

// TestAYesLapsesWithItsVoter: with his role, his removal, its time; it does not come
// back with him.
func TestAYesLapsesWithItsVoter(t *testing.T) {
	f := setUp(t).owners(4)
	f.do("key.add", m{"name": "herald"})
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	del := m{"key": "herald"}
	f.waits(f.as(2), "1 more of 2", "key.delete", del)
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator"})
	f.waits(f.as(3), "1 more of 2", "key.delete", del)
	f.do("admin.remove", m{"npub": npubOf(3)})
	f.passTime(time.Second)
	f.do("admin.add", m{"npub": npubOf(3), "role": "owner"}) // he waits for a day
	f.waits(f.as(4), "1 more of 2", "key.delete", del)
	f.passTime(OwnerWait)
	if list := get(f.do("quorum.list", nil), "motions").([]any); get(list[0], "have") != 1.0 || len(get(list[0], "votes").([]any)) != 3 {
		t.Errorf("list: %v", list)
	}
	// By its time everything lapses.
	f.passTime(MotionLife)
	if list := get(f.do("quorum.list", nil), "motions").([]any); len(list) != 0 {
		t.Errorf("list: %v", list)
	}
	f.waits(f.as(3), "1 more of 2", "key.delete", del)
	f.doAs(f.as(4), "key.delete", del)
}

func TestAYesIsTakenBack(t *testing.T) {
	f := setUp(t).owners(3)
	f.do("key.add", m{"name": "herald"})
	f.doAs(f.as(1), "quorum.set", m{"delete": 3})
	id := f.waits(f.as(1), "2 more of 3", "key.delete", m{"key": "herald"})
	f.doAs(f.as(2), "quorum.approve", m{"id": id})
	f.deny(f.as(3), bunker.CodeConflict, "said no yes", "quorum.withdraw", m{"id": id})
	if res := f.doAs(f.as(2), "quorum.withdraw", m{"id": id}); str(res, "state") != "open" {
		t.Errorf("withdrawn: %v", res)
	}
	f.waits(f.as(3), "1 more of 3", "key.delete", m{"key": "herald"})
	if res := f.doAs(f.as(1), "quorum.withdraw", m{"id": id}); str(res, "state") != "withdrawn" {
		t.Errorf("withdrawn by who asked: %v", res)
	}
	f.deny(f.as(2), bunker.CodeConflict, "withdrawn already", "quorum.approve", m{"id": id})
	f.deny(f.as(2), bunker.CodeNotFound, "", "quorum.approve", m{"id": "mnothing"})
}

// TestDevicesAndTheMachineAddNobody to a quorum.
func TestDevicesAndTheMachineAddNobody(t *testing.T) {
	f := setUp(t).owners(2)
	f.do("key.add", m{"name": "herald"})
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	phone := f.as(1)
	phone.Device = "phone"
	f.waits(f.as(1), "1 more of 2", "key.delete", m{"key": "herald"})
	f.waits(phone, "1 more of 2", "key.delete", m{"key": "herald"})
	id := f.waits(owner(), "1 more of 2", "key.delete", m{"key": "herald"})
	f.deny(owner(), bunker.CodeRestricted, "this machine is none", "quorum.approve", m{"id": id})
	paired := bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorRelay, Device: "tablet", Fresh: true}
	f.waits(paired, "1 more of 2", "key.delete", m{"key": "herald"})
	if _, err := f.callAs(paired, "key.delete", m{"key": "herald"}); !strings.Contains(bunker.AsError(err).Words, "this call is no yes") {
		t.Errorf("it is told %v", err)
	}
	if f.keyRow("herald").State != bunker.KeyActive {
		t.Error("deleted by one person")
	}
}

// TestOnlyWhoMayDoItCounts: an operator's yes is none, nor that of an owner of another
// key; an owner of the key is one.
func TestOnlyWhoMayDoItCounts(t *testing.T) {
	f := setUp(t).owners(2)
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.do("admin.add", m{"npub": npubOf(5), "role": "operator"})
	f.do("admin.add", m{"npub": npubOf(6), "role": "owner", "keys": []string{"other"}})
	f.do("admin.add", m{"npub": npubOf(7), "role": "owner", "keys": []string{"herald"}})
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	id := f.waits(f.as(1), "1 more of 2", "key.delete", m{"key": "herald"})
	f.deny(f.as(5), bunker.CodeRestricted, "needs the role owner", "quorum.approve", m{"id": id})
	f.deny(f.as(6), bunker.CodeNotFound, "", "quorum.approve", m{"id": id})
	if list := get(f.doAs(f.as(6), "quorum.list", nil), "motions").([]any); len(list) != 0 {
		t.Errorf("the owner of another key sees %v", list)
	}
	if list := get(f.doAs(f.as(7), "quorum.list", nil), "motions").([]any); len(list) != 1 {
		t.Errorf("the owner of the key sees %v", list)
	}
	f.doAs(f.as(7), "quorum.approve", m{"id": id})
	if f.keyRow("herald").State != bunker.KeyDeleting {
		t.Error("the owner of the key does not count")
	}
}

// TestChangingTheQuorumNeedsTheOldOne, naming admins does when it is set, and nobody
// sets what can never be reached.
func TestChangingTheQuorumNeedsTheOldOne(t *testing.T) {
	f := setUp(t).owners(2)
	f.refused(bunker.CodeConflict, "never agree", "quorum.set", m{"export": 3})
	f.refused(bunker.CodeInvalid, "persons", "quorum.set", m{"export": 0})
	f.refused(bunker.CodeInvalid, "nothing", "quorum.set", nil)
	res := f.doAs(f.as(1), "quorum.set", m{"export": 2})
	if get(res, "warnings") == nil {
		t.Errorf("no warning that one owner can name others: %v", res)
	}
	id := f.waits(f.as(1), "1 more of 2", "quorum.set", m{"admins": 2})
	f.doAs(f.as(2), "quorum.approve", m{"id": id})
	if q := get(f.do("quorum.show", nil), "quorum"); get(q, "export") != 2.0 || get(q, "admins") != 2.0 {
		t.Errorf("quorum: %v", q)
	}
	f.waits(f.as(1), "1 more of 2", "admin.add", m{"npub": npubOf(9), "role": "owner"})
	f.waits(f.as(1), "1 more of 2", "admin.invite", m{"role": "owner"})
	f.waits(f.as(1), "1 more of 2", "admin.remove", m{"npub": npubOf(2)})
	f.waits(f.as(1), "1 more of 2", "quorum.set", m{"export": 1, "admins": 1})
	f.doAs(f.as(2), "quorum.set", m{"export": 1, "admins": 1})
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	if res := f.doAs(f.as(1), "admin.remove", m{"npub": npubOf(2)}); get(res, "warnings") == nil {
		t.Errorf("nobody is told that two can never agree now: %v", res)
	}
}

// TestTheGlassIsBrokenAtTheMachineOnlyAndEverybodyHears.
func TestTheGlassIsBrokenAtTheMachineOnlyAndEverybodyHears(t *testing.T) {
	f := setUp(t).owners(2).remote()
	// Notices are made of such records: bunker.HappeningOf.
	told := func() int { return len(get(f.do("audit.list", m{"action": BreakGlass}), "records").([]any)) }
	f.do("key.add", m{"name": "herald"})
	f.do("key.delete", m{"key": "herald", "break_glass": true}) // there is no glass
	f.do("key.restore", m{"key": "herald"})
	if told() != 0 {
		t.Error("told of no glass")
	}
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	f.deny(f.as(1), bunker.CodeRestricted, "at the machine only", "key.delete", m{"key": "herald", "break_glass": true})
	p := owner()
	p.Fresh = false
	f.deny(p, bunker.CodeNeedsProof, "", "key.delete", m{"key": "herald", "break_glass": true})
	before := f.seq()
	f.do("key.delete", m{"key": "herald", "break_glass": true})
	recs := get(f.do("audit.list", nil), "records").([]any)
	if f.seq() != before+2 || str(recs[0], "action") != "key.delete" || str(recs[1], "action") != BreakGlass || str(recs[1], "object") != "key.delete" {
		t.Errorf("records: %v", recs[:3])
	}
	if told() != 1 || bunker.HappeningOf(&bunker.AuditRecord{Action: BreakGlass}).Notice != bunker.AlarmGlass {
		t.Errorf("told %d times", told())
	}
	if w := fmt.Sprint(get(f.doAs(f.as(2), "status", nil), "warnings")); !strings.Contains(w, "without the 2 persons") {
		t.Errorf("status does not tell: %s", w)
	}
	f.passTime(GlassTold + time.Hour)
	if w := fmt.Sprint(get(f.doAs(f.as(2), "status", nil), "warnings")); strings.Contains(w, "without the 2 persons") {
		t.Errorf("status tells for ever: %s", w)
	}
	// A break that fails tells nobody.
	if _, err := f.call("key.delete", m{"key": "herald", "break_glass": true}); err == nil || told() != 1 {
		t.Errorf("%v, told %d times", err, told())
	}
}

// TestARuleCanWantSeveralApprovers: votes for the same answer to the same question add
// up, another answer is another matter, and the last one's answer is what counts.
func TestARuleCanWantSeveralApprovers(t *testing.T) {
	f := setUp(t)
	type params struct {
		ID    string `json:"id"`
		Scope string `json:"scope,omitempty"`
	}
	answered := ""
	add(f.Table, Command{
		Name: "test.answer", Role: bunker.Approver, Doors: local(), Writes: true, Scope: ofQuestion(), Quorum: QuorumAsked,
	}, func(ctx context.Context, c *Call, p params) (Empty, error) {
		err := c.Commit(ctx, &bunker.AuditRecord{}, func(tx Tx) error {
			q, err := tx.Approval(bunker.ApprovalID(p.ID))
			if err != nil {
				return err
			}
			if enough, err := c.vote(q, []byte(p.Scope), 2); err != nil || !enough {
				return err
			}
			answered = p.Scope
			return nil
		})
		return Empty{}, err
	})
	for i := byte(2); i <= 4; i++ {
		f.do("admin.add", m{"npub": npubOf(i), "role": "approver"})
	}
	f.remote()
	q := f.ask(f.connected(""), 1, "hello")
	id := string(q.ID)
	f.waits(f.as(2), "1 more of 2", "test.answer", m{"id": id, "scope": "all"})
	f.waits(f.as(3), "1 more of 2", "test.answer", m{"id": id, "scope": "once"})
	f.waits(owner(), "1 more of 2", "test.answer", m{"id": id, "scope": "once"})
	if r := f.last(); answered != "" || r.Action != "quorum.vote" || r.Effect != "ask" {
		t.Errorf("answered %q by one of two: %+v", answered, r)
	}
	f.doAs(f.as(4), "test.answer", m{"id": id, "scope": "once"})
	if answered != "once" {
		t.Errorf("answered %q", answered)
	}
}

// TestAYesIsTheSameHoweverItIsWritten: of an answer, an npub and a policy.
func TestAYesIsTheSameHoweverItIsWritten(t *testing.T) {
	f := setUp(t).owners(3)
	f.do("key.add", m{"name": "herald"})
	f.do("policy.create", m{"name": "two", "rules": []m{{"id": "ask", "effect": "ask", "kinds": []m{{"from": 1, "to": 1}}, "quorum": 3}}})
	p := f.do("policy.show", m{"policy": "two"})
	q := f.ask(f.connected(""), 1, "hello", func(a *bunker.Approval) {
		a.Answers = "rule " + str(p, "policy", "id") + "/ask@1"
		var err error
		if a.Summary, err = f.Vault.SealSummary(a, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	})
	id, digest := string(q.ID), digestText(q.OpDigest)
	one := f.waits(f.as(1), "2 more of 3", "approval.answer", m{"id": id, "digest": digest, "scope": "kind", "for": "1h"})
	two := f.waits(f.as(2), "1 more of 3", "approval.answer", m{"id": id, "digest": strings.ToUpper(digest), "scope": "kind", "for": "60m"})
	if one != two {
		t.Errorf("%s and %s", one, two)
	}
	f.waits(f.as(2), "2 more of 3", "approval.answer", m{"id": id, "digest": digest, "scope": "kind", "for": "2h"}) // another answer

	f.doAs(f.as(1), "quorum.set", m{"admins": 3})
	one = f.waits(f.as(1), "2 more of 3", "admin.add", m{"npub": npubOf(8), "role": "viewer", "keys": []string{"herald"}})
	two = f.waits(f.as(2), "1 more of 3", "admin.add", m{"npub": pubOf(8).String(), "role": "viewer", "keys": []string{string(f.keyRow("herald").ID)}})
	if one != two {
		t.Errorf("%s and %s", one, two)
	}
}

// TestAYesToAnEditIsForTheVersionThatWasThere: what is not given in an edit stays as it
// was, so it must be what it was.
func TestAYesToAnEditIsForTheVersionThatWasThere(t *testing.T) {
	f := setUp(t).owners(3)
	f.do("key.add", m{"name": "herald"})
	notes, likes := m{"id": "notes", "effect": "allow", "kinds": []m{{"from": 1, "to": 1}}}, m{"id": "likes", "effect": "allow", "kinds": []m{{"from": 7, "to": 7}}}
	f.do("policy.create", m{"name": "desk", "rules": []m{notes}})
	f.do("token.create", m{"key": "herald", "client": "app", "policy": "desk"})
	f.doAs(f.as(1), "quorum.set", m{"policy": 2})
	wide := m{"policy": "desk", "rules": []m{notes, likes}}
	first := f.waits(f.as(1), "1 more of 2", "policy.edit", wide)
	f.doAs(f.as(3), "policy.edit", m{"policy": "desk", "description": "for the desk"}) // widens nothing
	f.deny(f.as(2), bunker.CodeConflict, "is version 2 by now, not 1", "quorum.approve", m{"id": first})
	second := f.waits(f.as(2), "1 more of 2", "policy.edit", wide)
	if first == second {
		t.Error("a yes to another version counts")
	}
	f.doAs(f.as(1), "policy.edit", wide)
	if v := f.do("policy.show", m{"policy": "desk"}); get(v, "policy", "count") != 2.0 {
		t.Errorf("the policy is %v", v)
	}
}

// TestACommandCanWantSeveralPersonsOnlyNowAndThen: an edit that widens waits, one that
// does not is done by one; the glass is there for it, too.
func TestACommandCanWantSeveralPersonsOnlyNowAndThen(t *testing.T) {
	f := setUp(t).owners(2)
	type params struct {
		Wider bool `json:"wider,omitempty"`
		glass
	}
	edits := 0
	add(f.Table, Command{
		Name: "test.edit", Role: bunker.Operator, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumAsked,
	}, func(ctx context.Context, c *Call, p params) (Empty, error) {
		err := c.Commit(ctx, &bunker.AuditRecord{}, func(Tx) error {
			if p.Wider {
				if enough, err := c.wants(QuorumPolicy); err != nil || !enough {
					return err
				}
			}
			edits++
			return nil
		})
		return Empty{}, err
	})
	f.remote()
	f.do("admin.add", m{"npub": npubOf(5), "role": "operator"})
	f.doAs(f.as(1), "quorum.set", m{"policy": 2})
	f.doAs(f.as(1), "test.edit", nil)
	f.waits(f.as(1), "1 more of 2", "test.edit", m{"wider": true})
	if edits != 1 {
		t.Fatalf("%d edits", edits)
	}
	f.doAs(f.as(5), "test.edit", m{"wider": true}) // an operator may do it, so he counts
	f.do("test.edit", m{"wider": true, "break_glass": true})
	if recs := get(f.do("audit.list", m{"action": BreakGlass}), "records").([]any); edits != 3 || len(recs) != 1 {
		t.Errorf("%d edits, records %v", edits, recs)
	}
}

func TestWhatWaitsIsBounded(t *testing.T) {
	f := setUp(t).owners(2)
	f.doAs(f.as(1), "quorum.set", m{"admins": 2})
	f.fill(func(tx *store.Tx) error { // in one go: a hundred commands take their time
		for i := range MaxMotions {
			mo := &bunker.Motion{
				Tenant: bunker.SelfHosted, ID: bunker.NewMotionID(), Command: "admin.invite", Digest: [32]byte{byte(i)}, State: bunker.MotionOpen,
				ExpiresAt: tx.Now() + MotionLife.Milliseconds(), Version: 1,
			}
			if err := tx.PutMotion(mo); err != nil {
				return err
			}
		}
		return nil
	})
	f.deny(f.as(1), bunker.CodeRateLimited, "the most", "admin.invite", m{"role": "viewer", "name": "x"})
	f.passTime(MotionLife)
	f.waits(f.as(1), "1 more of 2", "admin.invite", m{"role": "viewer", "name": "x"})
}

// TestAnEditedMotionIsRefused: a vote that was written into the store is no vote.
func TestAnEditedMotionIsRefused(t *testing.T) {
	f := setUp(t).owners(2)
	f.do("key.add", m{"name": "herald"})
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	f.waits(f.as(1), "1 more of 2", "key.delete", m{"key": "herald"})
	f.tamper(`UPDATE motion SET votes = replace(votes, '"version":1', '"version":2')`)
	if _, err := f.callAs(f.as(2), "key.delete", m{"key": "herald"}); err == nil || f.keyRow("herald").State != bunker.KeyActive {
		t.Errorf("an edited vote counts: %v", err)
	}
}
