package vault

import (
	"fmt"

	"nsecbunker/internal/bunker"
)

// AnswerCodeSize is the size of an answer code in bytes: 80 bits.
const AnswerCodeSize = 10

// CloseChannel wraps the secret of a channel of notices under the service key,
// which is there while the tenant is sealed. name says whose secret it is.
func (v *Vault) CloseChannel(id bunker.TenantID, name string, plaintext []byte) (wrapped []byte, err error) {
	err = v.withService(id, wrapChannels, func(key []byte) { wrapped = Wrap(key, channelPlace(id, name), plaintext) })
	return wrapped, err
}

// OpenChannel opens what CloseChannel made for the same name. The caller wipes
// the result. Errors: bunker.ErrTampered.
func (v *Vault) OpenChannel(id bunker.TenantID, name string, wrapped []byte) (plaintext []byte, err error) {
	var bad error
	err = v.withService(id, wrapChannels, func(key []byte) { plaintext, bad = Unwrap(key, channelPlace(id, name), wrapped, nil) })
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, fmt.Errorf("the secret of channel %s: %w (%w)", name, bunker.ErrTampered, bad)
	}
	return plaintext, nil
}

func channelPlace(id bunker.TenantID, name string) Place {
	return Place{Tenant: string(id), Table: "notify_channel", Row: name, Purpose: "channel secret"}
}

// AnswerCode is the code that answers one question in one direct message: of the
// message, the question, the digest of what is asked, and the person. It is
// computed, not stored, so that no row holds it. It fails with ErrSealed.
func (v *Vault) AnswerCode(id bunker.TenantID, notice bunker.NoticeID, q *bunker.Approval, person [32]byte) (code [AnswerCodeSize]byte, err error) {
	mac, err := v.rootMAC(id, answerCodes, joined("nsecbunker/answer/1", string(id), string(notice), string(q.ID), string(q.OpDigest[:]), string(person[:])))
	copy(code[:], mac[:])
	return code, err
}

// withService lends a subkey of the service key.
func (v *Vault) withService(id bunker.TenantID, p purpose, f func(key []byte)) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.service == nil {
		return unknownTenant(id)
	}
	return t.service.with(p, f)
}
