package nip46

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// MaxRelayURL is the size in bytes of the longest relay address.
const MaxRelayURL = 512

// NormalizeRelayURL checks a relay's address and returns the one spelling of it:
// scheme and host in lower case, no default port, no lone slash at the end, no
// fragment. It takes ws:// and wss:// with a host, and refuses user names,
// spaces, controls, backslashes and non-ASCII (an international name is written
// in its xn-- form). It resolves nothing: whether the address may be dialled is
// the dialler's judgement.
func NormalizeRelayURL(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > MaxRelayURL {
		return "", fmt.Errorf("the relay's address is longer than %d bytes", MaxRelayURL)
	}
	scheme, rest, ok := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "ws" && scheme != "wss" {
		return "", fmt.Errorf("relay address %q: it must begin with wss:// (or ws:// for a local one)", plain(s, 100))
	}
	for _, c := range []byte(rest) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}", c) >= 0 {
			return "", fmt.Errorf("relay address %q: it has a character that no address has", plain(s, 100))
		}
	}
	rest, _, _ = strings.Cut(rest, "#")
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	host, err := normalizeAuthority(scheme, authority)
	if err != nil {
		return "", fmt.Errorf("relay address %q: %w", plain(s, 100), err)
	}
	return scheme + "://" + host + normalizePath(path), nil
}

// normalizePath drops the slash of an empty path, with or without a query, so
// that wss://a, wss://a/ and wss://a/?x spell one relay one way.
func normalizePath(path string) string {
	if path == "/" || strings.HasPrefix(path, "/?") {
		path = path[1:]
	}
	if path == "?" {
		return ""
	}
	return path
}

func normalizeAuthority(scheme, authority string) (string, error) {
	if strings.Contains(authority, "@") {
		return "", errors.New("a user name has no place in it")
	}
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:i], authority[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", errors.New("the port must be a number from 1 to 65535")
		}
		port = strconv.FormatUint(n, 10)
	}
	host, err := normalizeHost(host)
	if err != nil {
		return "", err
	}
	if port == "" || scheme == "wss" && port == "443" || scheme == "ws" && port == "80" {
		return host, nil
	}
	return host + ":" + port, nil
}

func normalizeHost(host string) (string, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		if !ok || err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", errors.New("what stands in brackets is no IPv6 address")
		}
		return "[" + ip.String() + "]", nil
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" || len(host) > 253 {
		return "", errors.New("the host is missing or too long")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", errors.New("the host is not a proper name")
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return "", errors.New("the host is not a proper name")
			}
		}
	}
	return host, nil
}
