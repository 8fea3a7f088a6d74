package nip46

import "strings"

// Form says which of the strings that people copy and paste a text is.
type Form int

// The forms that Recognise tells apart, by their beginning alone.
const (
	FormUnknown      Form = iota
	FormBunker            // bunker://<hex>?…: lets an app in
	FormNostrConnect      // nostrconnect://<hex>?…: an app asks to be let in
	FormAdmin             // bunker-admin://<hex>?…: where admins find a bunker
	FormOldAdmin          // bunker://npub1…: the same, of the first nsecBunker
	FormNpub              // npub1…: an account; the first nsecBunker's login
	FormNpubToken         // npub1…#token: its login with a token
	FormSecretKey         // nsec1… or ncryptsec1…: never to be pasted here
)

// Recognise tells what a pasted text is. It judges by the beginning and does not
// say that the rest is in order.
func Recognise(s string) Form {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "nostr:")
	switch {
	case strings.HasPrefix(s, "bunker://npub1"):
		return FormOldAdmin
	case strings.HasPrefix(s, "bunker://"):
		return FormBunker
	case strings.HasPrefix(s, "nostrconnect://"):
		return FormNostrConnect
	case strings.HasPrefix(s, "bunker-admin://"):
		return FormAdmin
	case strings.HasPrefix(s, "npub1") && strings.Contains(s, "#"):
		return FormNpubToken
	case strings.HasPrefix(s, "npub1"):
		return FormNpub
	case strings.HasPrefix(s, "nsec1"), strings.HasPrefix(s, "ncryptsec1"):
		return FormSecretKey
	}
	return FormUnknown
}

// String names the form in words for whoever pasted it.
func (f Form) String() string {
	switch f {
	case FormBunker:
		return "a bunker:// link, with which a bunker lets an app in (it is pasted into the app)"
	case FormNostrConnect:
		return "a nostrconnect:// link, with which an app asks to be let in (it is given to the bunker)"
	case FormAdmin:
		return "a bunker-admin:// connection string, with which admins find a bunker (it is pasted into the admin app)"
	case FormOldAdmin:
		return "a connection string of the first nsecBunker, with which admins found it (it is no login for apps)"
	case FormNpub:
		return "an npub, the public name of an account"
	case FormNpubToken:
		return "an npub with a token, a login of the first nsecBunker"
	case FormSecretKey:
		return "a secret key, which must not be pasted here: whoever sees it owns the account"
	}
	return "nothing that is known here"
}

// WrongFormError reports that another string was pasted than the field is for.
// It never repeats the string.
type WrongFormError struct {
	Want, Got Form
}

func (e *WrongFormError) Error() string {
	return "this is " + e.Got.String() + "; what is needed here is " + e.Want.String()
}
