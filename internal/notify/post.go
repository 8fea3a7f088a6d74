package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"nsecbunker/internal/bunker"
)

// DialFunc makes a connection: the outbound dialer's.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// post sends a body and takes 2xx for success. It says what the server said.
func post(ctx context.Context, client *http.Client, to string, body []byte, header http.Header) (said string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return "", errors.New("its address cannot be used")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "nsecbunker")
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%s was not reached: %w", host(req), unwrapURL(err))
	}
	defer resp.Body.Close()
	return answered(req, resp)
}

// answered reads a server's verdict.
func answered(req *http.Request, resp *http.Response) (said string, err error) {
	text, readErr := io.ReadAll(io.LimitReader(resp.Body, 4*maxAnswer))
	words := bunker.Display(strings.ToValidUTF8(string(text), ""), maxAnswer)
	if readErr != nil {
		words = ""
	}
	said = fmt.Sprintf("%s answered %d %s", host(req), resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode/100 == 2 {
		return said, nil
	}
	if words != "" {
		said += ": " + words
	}
	if resp.StatusCode == http.StatusGone {
		return "", fmt.Errorf("%s: %w", said, ErrGone)
	}
	return "", errors.New(said)
}

func host(req *http.Request) string { return bunker.Display(req.URL.Host, maxAnswer) }

// unwrapURL takes the URL out of an error: the path may be the secret.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
