package cli

import (
	"errors"
	"strings"
	"testing"
)

func TestAPersonReadsWhyARelayDoesNotWork(t *testing.T) {
	t.Parallel()
	const url = "wss://relay.example.com"
	wrap := "no relay could be listened on: " + url + `: cannot connect: failed to WebSocket dial: failed to send handshake request: Get "https://relay.example.com": `
	for said, want := range map[string]string{
		"dial tcp: lookup relay.example.com on 192.0.2.1:53: no such host":                                     "check its spelling",
		"dial tcp: lookup relay.example.com on 192.0.2.1:53: server misbehaving":                               "name server",
		"dial tcp 192.0.2.7:443: connect: connection refused":                                                  "nothing listens there",
		"dial tcp 192.0.2.7:443: i/o timeout":                                                                  "in time",
		"tls: first record does not look like a TLS handshake":                                                 "ws://",
		"tls: failed to verify certificate: x509: certificate is valid for a.example, not relay.example.com":   "another name",
		"tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time …": "out of date",
		"tls: failed to verify certificate: x509: certificate signed by unknown authority":                     "trusts",
		"it refused the event: blocked: not on the list":                                                       "blocked: not on the list",
	} {
		got := relayWords(url, errors.New(wrap+said))
		if !strings.Contains(got, want) || strings.Contains(got, "dial tcp") || strings.Contains(got, "x509") || strings.Contains(got, "tls:") {
			t.Errorf("%s: a person reads %q", said, got)
		}
	}
	got := relayWords(url, errors.New("cannot connect: failed to WebSocket dial: expected handshake response status code 101 but got 404"))
	if want := "a web server answers there (HTTP 404), no relay; check the address"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
