package dial

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// DefaultHTTPTimeout bounds one exchange, from dialing to the last byte of
	// the body.
	DefaultHTTPTimeout = 15 * time.Second
	// DefaultMaxBody bounds a response's body, in bytes after decompression.
	DefaultMaxBody = 1 << 20
	// MaxResponseHeader bounds a response's status line and headers, in bytes.
	MaxResponseHeader = 64 << 10
	// HandshakeTimeout bounds the TLS handshake.
	HandshakeTimeout = 10 * time.Second
)

// ErrBodyTooLarge is what reading a body returns when it passes Limits.MaxBody.
// What was read before it is incomplete.
var ErrBodyTooLarge = errors.New("the answer is larger than allowed")

// ErrRedirect is in the chain when a server answers with a redirect: it could
// lead anywhere, so the owner has to name the final address instead.
var ErrRedirect = errors.New("redirects are not followed")

// Limits bound one HTTP client; zero fields take the defaults.
type Limits struct {
	// Timeout bounds one exchange; of a websocket, its handshake.
	Timeout time.Duration
	// MaxBody bounds a response's body, in bytes. A connection that was
	// upgraded (status 101) is not counted: its protocol has limits of its own.
	MaxBody int64
	// TLS is the base of the TLS settings (roots, client certificates); nil for
	// the system's roots. It is copied; at least TLS 1.2 is enforced.
	TLS *tls.Config
}

// HTTPClient returns a client whose every connection is made by this Dialer. It
// follows no redirects, honours no proxy variables, keeps no cookies and no idle
// connections (a host named by a stranger shall not hold our sockets).
func (d *Dialer) HTTPClient(l Limits) *http.Client {
	if l.Timeout <= 0 {
		l.Timeout = DefaultHTTPTimeout
	}
	if l.MaxBody <= 0 {
		l.MaxBody = DefaultMaxBody
	}
	conf := &tls.Config{}
	if l.TLS != nil {
		conf = l.TLS.Clone()
	}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	transport := &http.Transport{
		DialContext:            d.DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    HandshakeTimeout,
		ResponseHeaderTimeout:  l.Timeout,
		MaxResponseHeaderBytes: MaxResponseHeader,
		DisableKeepAlives:      true,
	}
	return &http.Client{
		Transport: capped{transport, l.MaxBody},
		Timeout:   l.Timeout,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			return &Error{
				Target: via[0].URL.Host, Reason: "it answers with a redirect to " + brief(req.URL.Host) + ", which is not followed",
				Hint: "name the final address", Err: ErrRedirect, refused: true,
			}
		},
	}
}

// capped bounds the bodies of what its transport returns.
type capped struct {
	transport http.RoundTripper
	max       int64
}

func (c capped) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = &body{inner: resp.Body, left: c.max}
	}
	return resp, nil
}

// body reads at most left bytes and then fails, rather than end early: a
// truncated answer must not pass for a whole one.
type body struct {
	inner io.ReadCloser
	left  int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrBodyTooLarge
	}
	// One byte more than allowed tells "exactly full" from "too long".
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.inner.Read(p)
	if int64(n) > b.left {
		n, b.left = int(b.left), -1
		return n, ErrBodyTooLarge
	}
	b.left -= int64(n)
	return n, err
}

func (b *body) Close() error { return b.inner.Close() }
