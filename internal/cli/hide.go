package cli

import "regexp"

// typedSecret is a private key, closed or not, that somebody typed as a word of the
// command line: NIP-19's nsec, NIP-49's ncryptsec.
var typedSecret = regexp.MustCompile(`(?i)\b(nsec1|ncryptsec1)[0-9a-z]+…?`)

// hidden is an error that repeats no private key, and says so where it would have:
// what is typed on a command line is repeated by errors, and errors are kept in logs.
func hidden(f *failure) *failure {
	words := typedSecret.ReplaceAllString(f.words, "$1…")
	hint := typedSecret.ReplaceAllString(f.hint, "$1…")
	if words == f.words && hint == f.hint {
		return f
	}
	h := *f
	h.words = words
	h.hint = "never type a private key as part of a command: every program on this machine can read it there; nsecbunker key add NAME --import asks for it"
	return &h
}
