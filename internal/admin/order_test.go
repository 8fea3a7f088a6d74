package admin

import (
	"encoding/json"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// remoteOwner is an owner who comes from afar.
func remoteOwner() bunker.Principal {
	return bunker.Principal{Name: "npub1x", Role: bunker.Owner, Door: bunker.DoorRelay, Device: "d1", Fresh: true}
}

func (f *fixture) execute(p bunker.Principal, name, op string, params m) (m, error) {
	f.t.Helper()
	b, err := json.Marshal(params)
	if err != nil {
		f.t.Fatal(err)
	}
	raw, err := f.Execute(f.t.Context(), p, Order{Name: name, Params: b, Op: op})
	if err != nil {
		return nil, err
	}
	var out m
	if err := json.Unmarshal(raw, &out); err != nil {
		f.t.Fatal(err)
	}
	return out, nil
}

// TestAChangeIsMadeOnceHoweverOftenItIsOrdered: what the table knows of it is in
// the store, so a restart between two orders changes nothing.
func TestAChangeIsMadeOnceHoweverOftenItIsOrdered(t *testing.T) {
	f := setUp(t)
	p := m{"key": "herald", "client": "app", "perms": "all"}
	if _, err := f.execute(remoteOwner(), "key.add", "op1", m{"name": "herald"}); err != nil {
		t.Fatal(err)
	}
	first, err := f.execute(remoteOwner(), "token.create", "op2", p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.execute(remoteOwner(), "token.create", "op2", p)
	if err != nil || again["uri"] != first["uri"] {
		t.Fatalf("got %v, %v", again["uri"], err)
	}
	if n := len(f.do("token.list", nil)["tokens"].([]any)); n != 1 {
		t.Errorf("%d tokens of one order", n)
	}
	// Another command, or the same with other parameters, is not that change.
	for _, c := range []struct {
		name   string
		params m
	}{{"key.add", m{"name": "x"}}, {"token.create", m{"key": "herald", "client": "other", "perms": "all"}}} {
		if _, err := f.execute(remoteOwner(), c.name, "op2", c.params); bunker.AsError(err).Field != "op" {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	// Another person's id is another change.
	other := remoteOwner()
	other.Name = "npub1y"
	if _, err := f.execute(other, "token.create", "op2", p); err != nil {
		t.Error(err)
	}
	// What failed was not made, and can be ordered again.
	if _, err := f.execute(remoteOwner(), "key.rename", "op3", m{"key": "nobody", "name": "x"}); err == nil {
		t.Fatal("not refused")
	}
	if _, err := f.execute(remoteOwner(), "key.rename", "op3", m{"key": "herald", "name": "bote"}); err != nil {
		t.Error(err)
	}
}

// TestAnAnswerThatWasLostIsSaidToBeLost: the process ended between the change and
// the keeping of its answer.
func TestAnAnswerThatWasLostIsSaidToBeLost(t *testing.T) {
	f := setUp(t)
	if _, err := f.execute(remoteOwner(), "key.add", "op1", m{"name": "herald"}); err != nil {
		t.Fatal(err)
	}
	if err := f.store.PutMadeResult(t.Context(), bunker.SelfHosted, remoteOwner().Name, "op1", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := f.execute(remoteOwner(), "key.add", "op1", m{"name": "herald"}); bunker.AsError(err).Code != bunker.CodeConflict || bunker.AsError(err).Field != "op" {
		t.Errorf("got %v", err)
	}
	if n := len(f.do("key.list", nil)["keys"].([]any)); n != 1 {
		t.Errorf("%d keys of one order", n)
	}
}

// TestIdsOfChangesAreForgottenAfterADay bounds what is kept of them.
func TestIdsOfChangesAreForgottenAfterADay(t *testing.T) {
	f := setUp(t)
	if _, err := f.execute(remoteOwner(), "key.add", "op1", m{"name": "a"}); err != nil {
		t.Fatal(err)
	}
	f.clock.add(RememberOps + time.Minute)
	if _, err := f.execute(remoteOwner(), "key.add", "op2", m{"name": "b"}); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := f.store.MadeChange(t.Context(), bunker.SelfHosted, remoteOwner().Name, "op1"); ok || err != nil {
		t.Errorf("it is remembered: %v", err)
	}
}

// TestResultsOfChangesLieClosedInTheStore: they can hold secrets.
func TestResultsOfChangesLieClosedInTheStore(t *testing.T) {
	f := setUp(t)
	if _, err := f.execute(remoteOwner(), "key.add", "op1", m{"name": "herald"}); err != nil {
		t.Fatal(err)
	}
	made, ok, err := f.store.MadeChange(t.Context(), bunker.SelfHosted, remoteOwner().Name, "op1")
	if err != nil || !ok || len(made.Result) == 0 || json.Valid(made.Result) {
		t.Errorf("got %q, %v", made.Result, err)
	}
}
