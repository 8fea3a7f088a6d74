package wallet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/internal/secret"
)

// rest is an HTTP API with a secret.
type rest struct {
	base   *url.URL
	key    *secret.Bytes
	client *http.Client
	stream *http.Client // for what goes on for minutes
	// sign puts the secret into a request's headers: never into its URL.
	sign func(h http.Header, key []byte)
}

// newREST makes the client of one of the kinds that speak HTTP.
func newREST(cfg Config) (client, string, error) {
	base, address, err := apiURL(cfg.URL)
	if err != nil {
		return nil, "", err
	}
	conf, err := pinned(cfg.Cert)
	if err != nil {
		return nil, "", err
	}
	dialer, err := cfg.dialer(address)
	if err != nil {
		return nil, "", err
	}
	key := bytes.TrimSpace(cfg.Secret)
	if len(key) == 0 {
		return nil, "", refused("secret", "the wallet's secret is empty")
	}
	r := rest{
		base:   base,
		client: dialer.HTTPClient(dial.Limits{Timeout: cfg.Timeout, MaxBody: maxAnswer, TLS: conf}),
		stream: dialer.HTTPClient(dial.Limits{Timeout: streamLasts, MaxBody: maxStream, TLS: conf}),
	}
	where := string(cfg.Kind) + " at " + bunker.Display(base.Host, maxSaid)
	var c client
	switch cfg.Kind {
	case LNbits:
		c = &lnbits{&r}
		r.sign = func(h http.Header, key []byte) { h.Set("X-Api-Key", string(key)) }
	case Phoenixd:
		c = &phoenixd{&r}
		r.sign = func(h http.Header, key []byte) { h.Set("Authorization", basicAuth(key)) }
	case LND:
		var rights []right
		if key, rights, err = macaroonHex(key); err != nil {
			return nil, "", err
		}
		defer secret.Wipe(key)
		c = &lnd{&r, rights}
		r.sign = func(h http.Header, key []byte) { h.Set("Grpc-Metadata-Macaroon", string(key)) }
	}
	if cfg.Kind != LND && bytes.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, "", refused("secret", "the wallet's secret holds a character that none has; does the file hold anything else?")
	}
	if r.key, err = cfg.Arena.From(key); err != nil {
		return nil, "", err
	}
	return c, where, nil
}

// apiURL reads the address of an API. Without TLS the secret could be read on the
// way, so http is for this machine and the own network.
func apiURL(text string) (*url.URL, string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, "", refused("url", "the wallet's address is of the form https://host:port, without a user, a query and a secret")
	}
	if u.Scheme == "http" && !near(u.Hostname()) {
		return nil, "", refused("url", "the wallet at %s would be spoken to without TLS, its secret readable on the way; write https://", bunker.Display(u.Host, maxSaid))
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, net.JoinHostPort(u.Hostname(), port), nil
}

// near reports whether a host is this machine or one of the own network, as far as
// its name says.
func near(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsPrivate()
	}
	return !strings.Contains(host, ".") // localhost, a service of compose
}

// errPin: the API shows another certificate than the pinned one.
var errPin = errors.New("another certificate than the pinned one")

// pinned returns TLS settings that trust one certificate alone; nil for the system's.
func pinned(cert []byte) (*tls.Config, error) {
	if len(cert) == 0 {
		return nil, nil
	}
	block, _ := pem.Decode(cert)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, refused("tls_cert", "the wallet's certificate is no PEM file of a certificate; lnd keeps it as tls.cert")
	}
	want, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, refused("tls_cert", "the wallet's certificate cannot be read")
	}
	return &tls.Config{
		// Names and chains do not matter: it is this certificate or none.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !s.PeerCertificates[0].Equal(want) {
				return errPin
			}
			return nil
		},
	}, nil
}

func (r *rest) close() { r.key.Destroy() }

// call makes one request and returns the body of a 2xx answer. Others are *said.
func (r *rest) call(ctx context.Context, method, path string, header http.Header, body []byte) ([]byte, error) {
	resp, err := r.send(ctx, r.client, method, path, header, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// send makes a request; the caller closes the body of the answer, which is a 2xx.
func (r *rest) send(ctx context.Context, client *http.Client, method, path string, header http.Header, body []byte) (*http.Response, error) {
	u := *r.base
	where, query, _ := strings.Cut(path, "?")
	u.Path += where
	u.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "nsecbunker")
	// net/http takes strings: a copy of the secret, which can only receive, stays on
	// the heap until it is collected.
	if err := r.key.Use(func(key []byte) { r.sign(req.Header, key) }); err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, unwrapURL(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4*maxSaid)) // what the server adds; its status is enough
	return nil, &said{resp.StatusCode, errorWords(text)}
}

// unwrapURL takes the URL out of an error.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func jsonBody() http.Header { return http.Header{"Content-Type": {"application/json"}} }
