package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"nsecbunker/nostr"
)

// checkpointTag begins what is signed, so that no other signature of the audit
// key can be taken for a checkpoint.
const checkpointTag = "nsecbunker/checkpoint/1"

// Checkpoint is the head of a tenant's chain at one number and time.
type Checkpoint struct {
	Tenant      string
	Incarnation string
	Seq         int64
	Head        Head
	Time        int64 // unix ms
}

// Canonical returns the bytes that the audit key signs for: six lines.
func (c Checkpoint) Canonical() []byte {
	b := make([]byte, 0, 200)
	for _, line := range []string{
		checkpointTag, c.Tenant, c.Incarnation, strconv.FormatInt(c.Seq, 10),
		hex.EncodeToString(c.Head[:]), strconv.FormatInt(c.Time, 10),
	} {
		b = append(b, line...)
		b = append(b, '\n')
	}
	return b
}

// Digest is SHA-256 of Canonical: the message of the BIP-340 signature.
func (c Checkpoint) Digest() [32]byte { return sha256.Sum256(c.Canonical()) }

// Signed is a checkpoint with its signature, as it is handed out.
type Signed struct {
	Checkpoint
	Key nostr.PubKey // the tenant's audit key
	Sig nostr.Sig
}

// Verify checks the signature. With a trusted key that is not zero, the
// checkpoint must be of that key.
func (s Signed) Verify(trusted nostr.PubKey) error {
	switch {
	case strings.ContainsAny(s.Tenant+s.Incarnation, "\n\r"):
		return fmt.Errorf("the checkpoint at record %d has a line break in its names", s.Seq)
	case !trusted.IsZero() && s.Key != trusted:
		return fmt.Errorf("the checkpoint at record %d is signed by %s, not by the audit key %s", s.Seq, s.Key, trusted)
	case !nostr.VerifyDigest(s.Key, s.Digest(), s.Sig):
		return fmt.Errorf("the checkpoint at record %d has a wrong signature: it is forged or damaged", s.Seq)
	}
	return nil
}

// signedJSON is the one form of a checkpoint outside the store.
type signedJSON struct {
	Tenant      string       `json:"tenant"`
	Incarnation string       `json:"incarnation"`
	Seq         int64        `json:"seq"`
	Head        string       `json:"head"`
	Time        int64        `json:"time"`
	Key         nostr.PubKey `json:"key"`
	Sig         nostr.Sig    `json:"sig"`
}

// MarshalJSON writes {"tenant","incarnation","seq","head","time","key","sig"},
// bytes as lower-case hex.
func (s Signed) MarshalJSON() ([]byte, error) {
	return json.Marshal(signedJSON{s.Tenant, s.Incarnation, s.Seq, hex.EncodeToString(s.Head[:]), s.Time, s.Key, s.Sig})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Signed) UnmarshalJSON(b []byte) error {
	var j signedJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	head, err := hex.DecodeString(j.Head)
	if err != nil || len(head) != len(s.Head) {
		return errors.New("checkpoint: head is not 64 hex digits")
	}
	*s = Signed{Checkpoint{j.Tenant, j.Incarnation, j.Seq, Head(head), j.Time}, j.Key, j.Sig}
	return nil
}
