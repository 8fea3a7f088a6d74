package nip46

import (
	"fmt"
	"log/slog"

	"nsecbunker/nostr"
)

// ConnectParams are the parameters of connect. Through fmt and slog they show
// everything but the secret.
type ConnectParams struct {
	Remote     string // lower-case hex of the key that the client addresses, or "" (NDK)
	Secret     string // "" for none
	Perms      string // as written; read it with RequestedPermissions
	Metadata   ClientMetadata
	MetadataOK bool // false: there was metadata, and it could not be read
}

// ParseConnect reads the parameters of a connect request (interop.md 2): up to
// four, each of which may be missing or empty; what comes after them is left to
// the future. Whose key Remote is, is for the caller to judge: NIP-46 wants the
// signer key, some clients send the user's, NDK sends "". It fails with a
// *MalformedError.
func ParseConnect(r Request) (ConnectParams, error) {
	fail := func(reason string, args ...any) (ConnectParams, error) {
		return ConnectParams{}, &MalformedError{ID: r.ID, HasID: true, Method: Connect, Reason: fmt.Sprintf(reason, args...)}
	}
	if r.Method != Connect {
		return fail("this is another method")
	}
	p := ConnectParams{Secret: r.Param(1), Perms: r.Param(2)}
	if hex := r.Param(0); hex != "" {
		key, err := nostr.ParsePubKey(hex)
		if err != nil || !key.Valid() {
			return fail("the first parameter must be the remote signer's public key in hex")
		}
		p.Remote = key.String()
	}
	if len(p.Secret) > MaxSecret {
		return fail("the secret is longer than %d bytes", MaxSecret)
	}
	if len(p.Perms) > MaxPermissionsBytes {
		return fail("the permissions are longer than %d bytes", MaxPermissionsBytes)
	}
	p.Metadata, p.MetadataOK = ParseClientMetadata(r.Param(3))
	return p, nil
}

// Request returns the connect request with these parameters. Those at the end
// that are empty are left out, as old bunkers count them.
func (p ConnectParams) Request(id string) Request {
	params := []string{p.Remote, p.Secret, p.Perms, p.Metadata.JSON()}
	for len(params) > 1 && params[len(params)-1] == "" {
		params = params[:len(params)-1]
	}
	return Request{ID: id, Method: Connect, Params: params}
}

// Format prints the parameters with [secret] for the secret, whatever the verb.
func (p ConnectParams) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "connect to %q, secret %s, perms %q, metadata %q", p.Remote, p.shownSecret(), p.Perms, p.Metadata) // a fmt.State reports no errors to us
}

// LogValue shows a log what Format shows.
func (p ConnectParams) LogValue() slog.Value {
	return slog.GroupValue(slog.String("remote", p.Remote), slog.String("secret", p.shownSecret()),
		slog.String("perms", p.Perms), slog.String("name", p.Metadata.Name))
}

func (p ConnectParams) shownSecret() string {
	if p.Secret == "" {
		return "none"
	}
	return "[secret]"
}
