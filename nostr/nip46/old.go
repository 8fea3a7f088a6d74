package nip46

import (
	"errors"
	"fmt"
	"strings"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// OldString is one of the strings of the first nsecBunker, which are read and
// never written:
//
//	bunker://npub1…@relay.example    FormOldAdmin: where its admins find it
//	npub1…                           FormNpub: an account, which was its login
//	npub1…#token                     FormNpubToken: the login with a token
//
// Through fmt it shows no token.
type OldString struct {
	Form   Form
	PubKey nostr.PubKey
	Relays []string // of FormOldAdmin, normalised; may be empty
	Token  string   // of FormNpubToken, not empty
}

// ParseOldString reads such a string. One of another form fails with a
// *WrongFormError that wants FormNpub.
func ParseOldString(s string) (OldString, error) {
	s = strings.TrimSpace(s)
	o := OldString{Form: Recognise(s)}
	if len(s) > MaxURI {
		return OldString{}, fmt.Errorf("the text is longer than %d bytes", MaxURI)
	}
	var npub, rest string
	switch o.Form {
	case FormOldAdmin:
		npub, rest = cutAny(s[len(bunkerScheme):], "@?/#")
	case FormNpub, FormNpubToken:
		npub, rest, _ = strings.Cut(trimNostr(s), "#")
	default:
		return OldString{}, &WrongFormError{FormNpub, o.Form}
	}
	key, err := nip19.DecodeNpub(npub)
	if err != nil {
		return OldString{}, fmt.Errorf("the npub is damaged: %w", err)
	}
	o.PubKey = key
	switch o.Form {
	case FormOldAdmin:
		o.Relays = oldRelays(rest)
	case FormNpubToken:
		o.Token = rest
		if o.Token == "" {
			return OldString{}, errors.New("after the # must stand a token")
		}
		if err := checkSecret(o.Token); err != nil {
			return OldString{}, err
		}
	}
	return o, nil
}

// trimNostr drops the nostr: of NIP-21.
func trimNostr(s string) string {
	if len(s) > 6 && strings.EqualFold(s[:6], "nostr:") {
		return s[6:]
	}
	return s
}

func cutAny(s, seps string) (before, after string) {
	i := strings.IndexAny(s, seps)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// oldRelays reads relay.example,relay2.example, with or without a scheme,
// escaped or not, and also relay=… fields.
func oldRelays(s string) []string {
	var list []string
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '&' }) {
		part = strings.TrimPrefix(part, "relay=")
		relay := strings.TrimSpace(formDecode(part))
		if !strings.Contains(relay, "://") {
			relay = "wss://" + relay
		}
		relay, err := NormalizeRelayURL(relay)
		if err == nil && len(list) < MaxRelays {
			list = appendNew(list, relay)
		}
	}
	return list
}

// Format prints the string with [secret] for its token, whatever the verb.
func (o OldString) Format(f fmt.State, _ rune) {
	shown := nip19.EncodeNpub(o.PubKey)
	if o.Token != "" {
		shown += "#[secret]"
	}
	if o.Form == FormOldAdmin {
		shown = bunkerScheme + shown + "@" + strings.Join(o.Relays, ",")
	}
	_, _ = fmt.Fprint(f, shown) // a fmt.State reports no errors to us
}
