package vault

import (
	"fmt"
	"strconv"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// SealReply wraps the reply of a decrypt method for the store: it holds
// decrypted text, and the signer key that closed it is one that the service key
// opens (ledger.md). request is the event that it answers.
func (v *Vault) SealReply(id bunker.TenantID, request nostr.ID, reply []byte) ([]byte, error) {
	return v.close(id, closeReplies, replyPlace(id, request), reply)
}

// OpenSealedReply opens what SealReply made. Errors: ErrSealed,
// bunker.ErrTampered.
func (v *Vault) OpenSealedReply(id bunker.TenantID, request nostr.ID, wrapped []byte) ([]byte, error) {
	return v.open(id, closeReplies, replyPlace(id, request), wrapped)
}

func replyPlace(id bunker.TenantID, request nostr.ID) Place {
	return Place{Tenant: string(id), Table: "reply", Row: request.String(), Purpose: "reply"}
}

// SealSummary wraps what a question shows to people. It is bound to the digest of
// the operation and to everything else in the row that an answer turns into a
// grant, so that what is shown is what is answered: the row itself has no MAC, as
// its state and deadlines go their way. The question's event is left out, too: a
// newer request of the same operation takes an open question over.
func (v *Vault) SealSummary(a *bunker.Approval, summary []byte) ([]byte, error) {
	return v.close(a.Tenant, closeSummaries, summaryPlace(a), summary)
}

// OpenSummary opens the summary of a question. Errors: ErrSealed;
// bunker.ErrTampered, also when the row was changed from outside.
func (v *Vault) OpenSummary(a *bunker.Approval) ([]byte, error) {
	return v.open(a.Tenant, closeSummaries, summaryPlace(a), a.Summary)
}

func summaryPlace(a *bunker.Approval) Place {
	return Place{
		Tenant: string(a.Tenant), Table: "approval", Row: string(a.ID), Purpose: "summary of " + nostr.ID(a.OpDigest).String(),
		Flags: []string{
			"connection " + string(a.Connection), "key " + string(a.Key), "method " + a.Method, "kind " + strconv.FormatInt(a.Kind, 10),
			"answers " + a.Answers, "once " + strconv.FormatBool(a.OnceOnly), "until " + strconv.FormatInt(a.QuestionUntil, 10),
		},
	}
}

func (v *Vault) close(id bunker.TenantID, p purpose, at Place, plaintext []byte) (wrapped []byte, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return nil, err
	}
	err = t.withRoot(func(r *keyring) error {
		return r.with(p, func(key []byte) { wrapped = Wrap(key, at, plaintext) })
	})
	return wrapped, err
}

func (v *Vault) open(id bunker.TenantID, p purpose, at Place, wrapped []byte) (plaintext []byte, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return nil, err
	}
	var bad error
	err = t.withRoot(func(r *keyring) error {
		return r.with(p, func(key []byte) { plaintext, bad = Unwrap(key, at, wrapped, nil) })
	})
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, fmt.Errorf("%s %s: %w (%w)", at.Table, at.Row, bunker.ErrTampered, bad)
	}
	return plaintext, nil
}
