package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"nsecbunker/internal/bunker"
)

const (
	// DefaultLogN is the cost of new passphrase slots: 2^18, 256 MiB.
	DefaultLogN = 18
	// MinLogN is the least cost of a passphrase slot that is made or read: 2^14,
	// 16 MiB. Only tests go below DefaultLogN.
	MinLogN = 14
	// MaxParams is the most bytes of a slot's parameters.
	MaxParams = 8192

	saltSize = 16
)

// params are the parameters of a slot of any kind, as JSON in the row:
//
//	passphrase  {"kdf":"scrypt","log_n":18,"r":8,"p":1,"salt":"<32 hex digits>"}
//	file        {"path":"/etc/nsecbunker/root.key"}
//	credential  {"credential":"nsecbunker-root"}
//	command     {"command":"kms"}
//
// They hold no secret. They are in the associated data as they are stored.
type params struct {
	KDF        string `json:"kdf,omitempty"`
	LogN       uint8  `json:"log_n,omitempty"`
	R          int    `json:"r,omitempty"`
	P          int    `json:"p,omitempty"`
	Salt       string `json:"salt,omitempty"`
	Path       string `json:"path,omitempty"`
	Credential string `json:"credential,omitempty"`
	Command    string `json:"command,omitempty"`
}

// ErrParams means that a slot's parameters are not what this program writes.
var ErrParams = errors.New("the slot's parameters are damaged, or were written by a newer nsecbunker")

// parseParams reads the parameters of a slot and checks every bound, before
// anything costly is done with them.
func parseParams(kind bunker.SlotKind, b []byte) (params, error) {
	var p params
	if len(b) > MaxParams {
		return p, ErrParams
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&p) != nil {
		return params{}, ErrParams
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return params{}, ErrParams
	}
	want := params{}
	switch kind {
	case bunker.SlotPassphrase:
		want = params{KDF: "scrypt", LogN: p.LogN, R: scryptR, P: scryptP, Salt: p.Salt}
		salt, err := hex.DecodeString(p.Salt)
		if err != nil || len(salt) != saltSize || p.LogN < MinLogN || p.LogN > MaxLogN {
			return params{}, ErrParams
		}
	case bunker.SlotFile:
		want = params{Path: p.Path}
	case bunker.SlotCredential:
		want = params{Credential: p.Credential}
	case bunker.SlotCommand:
		want = params{Command: p.Command}
	}
	if p != want || p == (params{}) {
		return params{}, ErrParams
	}
	return p, nil
}

func (p params) json() ([]byte, error) { return json.Marshal(p) }

func (p params) salt() []byte {
	b, _ := hex.DecodeString(p.Salt) // checked when it was read
	return b
}
