package cli

import (
	"regexp"
	"strings"
)

// relayTroubles are what the network says when a relay does not work, and how a person
// says it, with what to look at. The first that is found counts.
var relayTroubles = []struct{ said, words string }{
	{"no such host", "there is no host of that name; check its spelling"},
	{"server misbehaving", "its name could not be looked up; check this machine's network and name server"},
	{"temporary failure in name resolution", "its name could not be looked up; check this machine's network and name server"},
	{"connection refused", "nothing listens there; check the port, and that the relay is up"},
	{"no route to host", "this machine has no way there; check its network, and that the relay is up"},
	{"network is unreachable", "this machine has no way there; check its network"},
	{"first record does not look like a tls handshake", "it speaks no TLS there; check whether its address begins with ws:// and not with wss://"},
	{"x509: certificate has expired", "its certificate is out of date; tell who runs it, and check this machine's clock"},
	{"x509: certificate is valid for", "its certificate is for another name; check its spelling"},
	{"x509:", "its certificate is not one that this machine trusts; check its spelling, or tell who runs it"},
	{"tls:", "no secure connection came about; check its address and port"},
	{"i/o timeout", "it did not answer in time; check that it is up and that no firewall is between"},
}

// noRelayThere is a web server's answer to who wants to speak with a relay.
var noRelayThere = regexp.MustCompile(`status code 101 but got ([1-5][0-9][0-9])\b`)

// relayWords is why a relay does not work, in people's words where it is the network's
// fault, and without what wraps it on its way here.
func relayWords(url string, err error) string {
	text := strings.TrimSuffix(words(err), ": context deadline exceeded")
	for _, wrap := range []string{url + ": ", url[strings.Index(url, "://")+3:] + `": `, "failed to WebSocket dial: "} {
		if i := strings.LastIndex(text, wrap); i >= 0 {
			text = text[i+len(wrap):]
		}
	}
	if m := noRelayThere.FindStringSubmatch(text); m != nil {
		return "a web server answers there (HTTP " + m[1] + "), no relay; check the address"
	}
	for _, t := range relayTroubles {
		if strings.Contains(strings.ToLower(text), t.said) {
			return t.words
		}
	}
	return text
}
