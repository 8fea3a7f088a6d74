package relay

import (
	"net/url"
	"strings"
	"testing"

	"nsecbunker/nostr/nip46"
)

func TestRelayUrlsHaveOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"wss://relay.example.com":        "wss://relay.example.com",
		"WSS://Relay.Example.COM/":       "wss://relay.example.com",
		"wss://relay.example.com:443":    "wss://relay.example.com",
		"wss://relay.example.com.:443/":  "wss://relay.example.com",
		"ws://relay.example.com:80/":     "ws://relay.example.com",
		"wss://relay.example.com:80":     "wss://relay.example.com:80",
		"wss://relay.example.com:0444/a": "wss://relay.example.com:444/a",
		"wss://relay.example.com/Path/":  "wss://relay.example.com/Path/",
		"wss://relay.example.com/a%2Fb":  "wss://relay.example.com/a%2Fb",
		"wss://relay.example.com?x=Y":    "wss://relay.example.com?x=Y",
		"wss://relay.example.com/?x=Y":   "wss://relay.example.com?x=Y",
		"ws://127.0.0.1:7777":            "ws://127.0.0.1:7777",
		"ws://[::1]:7777/":               "ws://[::1]:7777",
		"ws://[0:0:0:0:0:0:0:1]":         "ws://[::1]",
		" wss://relay.example.com/#f\n":  "wss://relay.example.com",
		"wss://xn--bcher-kva.example":    "wss://xn--bcher-kva.example",
	} {
		got, err := Normalize(in)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestUrlsThatAreNoRelayAreRefused(t *testing.T) {
	for _, in := range []string{
		"", "relay.example.com", "//relay.example.com", "http://relay.example.com", "https://relay.example.com", "javascript:alert(1)", "ws:", "ws://",
		"wss:relay.example.com", "wss://:443", "wss://user@relay.example.com", "wss://user:pass@relay.example.com", "wss://@relay.example.com",
		"wss://relay.example.com:0", "wss://relay.example.com:65536", "wss://relay.example.com:x",
		"wss://relay.example.com/%zz", "wss://rel ay.example.com", "wss://bücher.example", "wss://relay.example.com/\x00",
		"wss://[::1", "wss://[fe80::1%25eth0]", "wss://[::g]", "wss://a%2eb", "wss://a|b", "wss://.", "wss://relay.example.com/" + strings.Repeat("a", nip46.MaxRelayURL),
	} {
		got, err := Normalize(in)
		if err == nil {
			t.Errorf("%q: accepted as %q", in, got)
			continue
		}
		if len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\n\x00") || !strings.Contains(err.Error(), "wss://relay.example.com") {
			t.Errorf("%q: the error is %q", in, err)
		}
	}
	longest := "wss://relay.example.com/"
	longest += strings.Repeat("a", nip46.MaxRelayURL-len(longest))
	if _, err := Normalize(longest); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// FuzzNormalize: what is accepted is stable, printable ASCII, and a ws url.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"wss://relay.example.com/", "ws://[::1]:80/a?b=c", "wss://user@x", "wss://x#y", "wss://X.:443", "wss://a%00b", "wss://a?%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := Normalize(in)
		if err != nil {
			return
		}
		again, err := Normalize(out)
		if err != nil || again != out {
			t.Fatalf("%q → %q → %q, %v", in, out, again, err)
		}
		u, err := url.Parse(out)
		if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q → %q", in, out)
		}
	})
}
