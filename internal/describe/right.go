package describe

import (
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Right is a permission as people say it, to follow "may" or "to": "sign short
// notes (kind 1)". why is what is special about it, "" for nothing.
func Right(p nip46.Permission) (words, why string) {
	switch p.Method {
	case nip46.All:
		return "do everything but what needs special care", ""
	case nip46.SignEvent:
		k, ok := p.EventKind()
		if !ok {
			return "sign events of every kind but those that need special care", ""
		}
		_, why = policy.CareOfKind(k)
		return "sign " + Plural(k), why
	case nip46.NIP44Encrypt:
		return "encrypt texts", ""
	case nip46.NIP04Encrypt:
		return "encrypt texts (old form)", ""
	case nip46.NIP44Decrypt:
		return "read encrypted texts", ""
	case nip46.NIP04Decrypt:
		return "read encrypted texts (old form)", ""
	case nip46.GetPublicKey:
		return "learn the public key", ""
	}
	return "use " + p.String(), ""
}

// Reach says how far a lasting yes to an operation goes that people take for
// narrower than it is, "" for nothing to say. kind is -1 for what is no signature.
func Reach(method string, kind int64) string {
	switch nip46.Method(method) {
	case nip46.SignEvent:
		switch kind {
		case 27235:
			return "on every website"
		case 22242:
			return "at every relay"
		case 24242:
			return "every upload and deletion, at every server"
		}
	case nip46.NIP44Encrypt, nip46.NIP04Encrypt:
		return "for anybody"
	case nip46.NIP44Decrypt, nip46.NIP04Decrypt:
		return "from anybody"
	}
	return ""
}

// Rights are all permissions of a string, each as people say it; what cannot be
// read is shown as it is written.
func Rights(perms string) []string {
	list, err := nip46.ParsePermissions(perms)
	if err != nil {
		return []string{bunker.Display(perms, MaxValue)}
	}
	out := make([]string, 0, len(list))
	for _, p := range list {
		words, _ := Right(p)
		out = append(out, words)
	}
	return out
}

// Plural is many events of a kind, with its number: "reactions (kind 7)".
func Plural(k nostr.Kind) string {
	n := k.Name()
	label := k.Label()
	if n == "" {
		return "events of " + label
	}
	return plural(n) + strings.TrimPrefix(label, n)
}

// plural of a kind's name: its first noun gets the s.
func plural(n string) string {
	head, tail := n, ""
	for _, sep := range []string{" of ", " to ", " for ", " in ", " about ", " by ", " from ", " that ", " (", " found ", " elsewhere"} {
		if i := strings.Index(n, sep); i > 0 && i < len(head) {
			head, tail = n[:i], n[i:]
		}
	}
	switch {
	case strings.HasSuffix(head, "s") && !strings.HasSuffix(head, "ss"), strings.HasSuffix(head, "data"), strings.HasSuffix(head, "administration"),
		strings.HasSuffix(head, "media"), strings.HasSuffix(head, "presence"):
		return head + tail
	case strings.HasSuffix(head, "y") && !strings.HasSuffix(head, "ay") && !strings.HasSuffix(head, "ey"):
		return head[:len(head)-1] + "ies" + tail
	case strings.HasSuffix(head, "ss"), strings.HasSuffix(head, "ch"), strings.HasSuffix(head, "x"):
		return head + "es" + tail
	}
	return head + "s" + tail
}
