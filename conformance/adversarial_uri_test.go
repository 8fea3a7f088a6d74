package conformance

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/wire"
)

// Hostile links given to the command line: one sentence, no crash, nothing done.
func TestAdversarialURIs(t *testing.T) {
	r := shared(t)
	app := wire.NewKey().Pub
	relay := url.QueryEscape(r.Relay())
	for name, uri := range map[string]string{
		"nothing":         "x",
		"another scheme":  "https://example.com/?relay=" + relay,
		"bunker":          "bunker://" + app + "?relay=" + relay + "&secret=x",
		"an nsec":         "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
		"no key":          "nostrconnect://?relay=" + relay + "&secret=x",
		"short key":       "nostrconnect://" + app[:62] + "?relay=" + relay + "&secret=x",
		"no point":        "nostrconnect://" + strings.Repeat("f", 64) + "?relay=" + relay + "&secret=x",
		"zero":            "nostrconnect://" + strings.Repeat("0", 64) + "?relay=" + relay + "&secret=x",
		"no relay":        "nostrconnect://" + app + "?secret=x",
		"no secret":       "nostrconnect://" + app + "?relay=" + relay,
		"empty secret":    "nostrconnect://" + app + "?relay=" + relay + "&secret=",
		"two secrets":     "nostrconnect://" + app + "?relay=" + relay + "&secret=a&secret=b",
		"long secret":     "nostrconnect://" + app + "?relay=" + relay + "&secret=" + strings.Repeat("s", 257),
		"controls":        "nostrconnect://" + app + "?relay=" + relay + "&secret=a%00b%1b%5B2J",
		"bidi":            "nostrconnect://" + app + "?relay=" + relay + "&secret=%E2%80%AEx",
		"bad UTF-8":       "nostrconnect://" + app + "?relay=" + relay + "&secret=%FF",
		"file":            "nostrconnect://" + app + "?relay=file%3A%2F%2F%2Fetc%2Fpasswd&secret=x",
		"http":            "nostrconnect://" + app + "?relay=http%3A%2F%2Fexample.com&secret=x",
		"user and pass":   "nostrconnect://" + app + "?relay=ws%3A%2F%2Fa%3Ab%40127.0.0.1&secret=x",
		"CRLF":            "nostrconnect://" + app + "?relay=ws%3A%2F%2Fexample.com%2F%0D%0AHost%3A+evil&secret=x",
		"port":            "nostrconnect://" + app + "?relay=ws%3A%2F%2Fexample.com%3A99999&secret=x",
		"ten thousand":    "nostrconnect://" + app + "?relay=" + relay + "&secret=x&name=" + strings.Repeat("n", 10_000),
		"sixty-five":      "nostrconnect://" + app + "?secret=x&relay=" + relay + strings.Repeat("&x=y", 64),
		"broken escapes":  "nostrconnect://" + app + "?relay=%&secret=%zz",
		"an option":       "--perms",
		"a shell's dream": "$(reboot);`reboot`",
	} {
		t.Run(name, func(t *testing.T) {
			r := r.sub(t)
			said := r.Refused("connect", "--key", r.key.Name, "--perms", "none", "--", uri)
			plainWords(t, said)
			if strings.Contains(said, "nsec1vl0") {
				t.Errorf("a secret is repeated: %s", said)
			}
		})
	}
	for name, uri := range map[string]string{
		"no relay":     "bunker://" + app,
		"no key":       "bunker://?relay=" + relay,
		"garbage":      "bunker://" + strings.Repeat("z", 64) + "?relay=" + relay,
		"two secrets":  bunker.URI(app, "a", r.Relay()) + "&secret=b",
		"long":         bunker.URI(app, strings.Repeat("s", 9000), r.Relay()),
		"nostrconnect": "nostrconnect://" + app + "?relay=" + relay + "&secret=x",
	} {
		t.Run("client, "+name, func(t *testing.T) {
			r := r.sub(t)
			said := r.Refused("client", "connect", "--key-file", t.TempDir()+"/session", "--timeout", "2s", "--bunker", uri)
			plainWords(t, said)
		})
	}
	if n := len(r.Connections(r.key.Name, "")); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// plainWords holds what is said to a person to be a short sentence without anything that acts on a terminal.
func plainWords(t *testing.T, said string) {
	t.Helper()
	if strings.TrimSpace(said) == "" || len(said) > 2000 || strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") {
		t.Errorf("it said %.500q", said)
	}
	for _, c := range said {
		if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			t.Errorf("it said %U: %.300q", c, said)
		}
	}
}

// What an app says of itself reaches people clean and short, whatever it says, and never keeps it from logging in.
func TestAdversarialMetadata(t *testing.T) {
	r := shared(t)
	for i, metadata := range []string{
		`{"name":"\u001b[2J\u0007evil\r\nline","url":"javascript:alert(1)","image":"data:x"}`, `{"name":"\u202egnp.exe\u2066\u200b"}`, `{"name":` + quoted(strings.Repeat("N", 7000)) + `}`,
		`{"name":` + quoted(strings.Repeat("N", 70_00)) + `,"url":` + quoted(strings.Repeat("u", 9000)) + `}`, `{"name":1,"url":[],"image":{}}`, `{"name":"\ud800"}`, `[]`, `null`, `{`,
		`{"name":"<script>alert(1)</script>"}`, `{"name":"a","name":"b"}`, strings.Repeat("[", 5000), `{"name":"` + strings.Repeat("e\u0301\u0301\u0301\u0301\u0301", 60) + `"}`,
	} {
		c := r.stranger("", wire.NIP44)
		c.Close()
		k := r.Token(r.key.Name, fmt.Sprint("hostile", i), "none")
		c = r.stranger(k.Signer, wire.NIP44)
		r.succeed(c, "ack", "connect", k.Signer, k.Secret, "", metadata)
		r.succeed(c, "pong", "ping")
	}
	for _, list := range [][]string{{"connections", "list", "--key", r.key.Name}, {"audit", "list", "--key", r.key.Name}, {"approvals"}} {
		out := r.CLI(list...)
		for _, c := range out {
			if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
				t.Errorf("%v prints %U", list, c)
			}
		}
	}
	for _, conn := range r.Connections(r.key.Name, "") {
		if n := len([]rune(conn.App.Name)); n > 200 {
			t.Errorf("an app's name of %d characters is kept", n)
		}
	}
}
