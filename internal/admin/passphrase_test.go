package admin

import (
	"errors"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
)

// TestAPassphraseThatIsKnownIsNotedAndNothingElseChanges: a wrong one costs a try,
// a right one is recorded and shown.
func TestAPassphraseThatIsKnownIsNotedAndNothingElseChanges(t *testing.T) {
	f := setUp(t)
	known := func() string { return str(f.do("status", nil), "passphrase_known") }
	if at := known(); at == "" {
		t.Fatal("whoever set the bunker up gave its passphrase, and it is not noted")
	}
	before := known()
	f.clock.add(40 * 24 * time.Hour)
	f.refused(bunker.CodeNeedsProof, "wrong", "passphrase.check", m{"passphrase": "a wrong passphrase"})
	if f.tries.Spent != 1 {
		t.Errorf("%d tries are spent, not one", f.tries.Spent)
	}
	if at := known(); at != before {
		t.Errorf("a wrong passphrase was noted as known, at %s", at)
	}
	res := f.do("passphrase.check", m{"passphrase": passphrase})
	if str(res, "slot") != "passphrase" || str(res, "known_at") == before || str(res, "known_at") != known() {
		t.Errorf("checked: %v, status says %s", res, known())
	}
	if f.tries.Spent != 0 {
		t.Error("a right passphrase did not give the tries back")
	}
	if rec := f.last(); rec.Action != "passphrase.check" || rec.Effect != "allow" {
		t.Errorf("record: %+v", rec)
	}
	if !f.opens(passphrase) {
		t.Error("the passphrase does not open any more")
	}
}

// TestAnUnsealByAScriptSaysNothingOfAPerson: what comes by the socket may be read
// out of a file.
func TestAnUnsealByAScriptSaysNothingOfAPerson(t *testing.T) {
	f := setUp(t)
	before := str(f.do("status", nil), "passphrase_known")
	f.clock.add(time.Hour)
	f.do("seal", nil)
	f.do("unseal", m{"passphrase": passphrase})
	if at := str(f.do("status", nil), "passphrase_known"); at != before {
		t.Errorf("noted at %s, was %s", at, before)
	}
	f.do("seal", nil)
	if _, err := f.execute(remoteOwner(), "unseal", "op1", m{"passphrase": passphrase}); err != nil {
		t.Fatal(err)
	}
	if at := str(f.do("status", nil), "passphrase_known"); at == before {
		t.Error("the admin who unsealed from afar typed it, and it is not noted")
	}
}

// TestAnotherRootKeysPassphraseIsNotKnown: a slot that somebody put into the store
// does not make its passphrase the bunker's.
func TestAnotherRootKeysPassphraseIsNotKnown(t *testing.T) {
	f, other := setUp(t), setUp(t)
	other.do("passphrase.change", m{"new": "a stranger's passphrase"})
	slots, err := other.store.Slots(t.Context(), bunker.SelfHosted)
	if err != nil {
		t.Fatal(err)
	}
	slots[0].Name = "planted"
	err = f.store.Change(t.Context(), bunker.SelfHosted, System(), func(tx *store.Tx) error {
		return errors.Join(tx.PutSlot(&slots[0]), tx.Audit(bunker.AuditRecord{Action: "planted"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	f.refused(bunker.CodeNeedsProof, "somebody put it there", "passphrase.check", m{"passphrase": "a stranger's passphrase"})
	f.do("passphrase.check", m{"passphrase": passphrase})
}
