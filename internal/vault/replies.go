package vault

import (
	"fmt"

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

// SealSummary wraps what a question shows to people. It is bound to the question
// and to the digest of the operation, so that what is shown is what is answered:
// neither another question's summary nor another digest can be put into the row.
// The question's event is left out: a newer request of the same operation takes
// an open question over.
func (v *Vault) SealSummary(id bunker.TenantID, q bunker.ApprovalID, opDigest [32]byte, summary []byte) ([]byte, error) {
	return v.close(id, closeSummaries, summaryPlace(id, q, opDigest), summary)
}

// OpenSummary opens the summary of a question. Errors: ErrSealed,
// bunker.ErrTampered.
func (v *Vault) OpenSummary(a *bunker.Approval) ([]byte, error) {
	return v.open(a.Tenant, closeSummaries, summaryPlace(a.Tenant, a.ID, a.OpDigest), a.Summary)
}

func summaryPlace(id bunker.TenantID, q bunker.ApprovalID, opDigest [32]byte) Place {
	return Place{Tenant: string(id), Table: "approval", Row: string(q), Purpose: "summary of " + nostr.ID(opDigest).String()}
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
