package nip46

// Method is the name of a NIP-46 method as it stands on the wire. A Method out
// of ParseRequest may be any text of up to MaxMethod bytes: ask Known.
type Method string

// The methods of NIP-46, Methods/Commands.
const (
	Connect      Method = "connect"
	SignEvent    Method = "sign_event"
	Ping         Method = "ping"
	GetPublicKey Method = "get_public_key"
	NIP04Encrypt Method = "nip04_encrypt"
	NIP04Decrypt Method = "nip04_decrypt"
	NIP44Encrypt Method = "nip44_encrypt"
	NIP44Decrypt Method = "nip44_decrypt"
	SwitchRelays Method = "switch_relays"
	Logout       Method = "logout"
)

// All is no method but a word of ours in permission strings: every method and
// kind, except what needs a permission of its own (the glossary's "all").
const All Method = "all"

// Methods returns every method of NIP-46, in the order of its table.
func Methods() []Method {
	return []Method{Connect, SignEvent, Ping, GetPublicKey, NIP04Encrypt, NIP04Decrypt,
		NIP44Encrypt, NIP44Decrypt, SwitchRelays, Logout}
}

// Known reports whether NIP-46 has the method. Requests with any other must be
// answered with an error (NIP-46, Response Events). All is not a method.
func (m Method) Known() bool {
	switch m {
	case Connect, SignEvent, Ping, GetPublicKey, NIP04Encrypt, NIP04Decrypt,
		NIP44Encrypt, NIP44Decrypt, SwitchRelays, Logout:
		return true
	}
	return false
}

// NeedsGrant reports whether a connected client may call the method only under
// a grant. What this package does not know needs one: the answer to a doubt is
// no. connect is judged by its secret, and the other four come with being
// connected (interop.md 8).
func (m Method) NeedsGrant() bool {
	switch m {
	case Connect, Ping, GetPublicKey, SwitchRelays, Logout:
		return false
	}
	return true
}

// HasPeer reports whether the method's first parameter is the public key of a
// third party and its second the text.
func (m Method) HasPeer() bool {
	switch m {
	case NIP04Encrypt, NIP04Decrypt, NIP44Encrypt, NIP44Decrypt:
		return true
	}
	return false
}
