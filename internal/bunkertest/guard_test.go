package bunkertest

import (
	"fmt"
	"testing"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// follows is a follow list of n accounts, from the first on.
func follows(a *App, n int) string {
	t := nostr.Template{Kind: 3, CreatedAt: a.Now().Unix()}
	for i := range n {
		t.Tags = append(t.Tags, nostr.Tag{"p", fmt.Sprintf("%064x", i+1)})
	}
	return string(t.AppendJSON(nil))
}

func TestAFollowListThatAnAppWipesIsAskedWhateverThePolicyAllows(t *testing.T) {
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 500)).Signed()
	wipe := a.Ask(nip46.SignEvent, follows(a, 3))
	a.Fence()
	wipe.Quiet()
	q := b.Question()
	if got := q.Text("operation.guard"); got != "497 of 500 entries would be lost" {
		t.Errorf("the question says %q", got)
	}
	if !q.Is("once_only") || q.Number("operation.changes.removed") != 497 || len(q.List("operation.changes.removed_list")) == 0 {
		t.Errorf("the question shows %v", q)
	}
	b.Reply(Params{"deny": true})
	wipe.Fails("restricted: an administrator refused this request")

	again := a.Ask(nip46.SignEvent, follows(a, 3))
	a.Fence()
	b.Reply(nil)
	if e := again.Signed(); len(e.Tags) != 3 {
		t.Errorf("signed %d follows", len(e.Tags))
	}
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 2 {
		t.Errorf("%d signatures are in the log, want 2", n)
	}
	b.VerifyOutside()
}
