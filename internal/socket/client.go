package socket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"nsecbunker/internal/secret"
)

// ErrNotRunning means that nobody listens on the socket.
var ErrNotRunning = errors.New("no bunker is running there")

// Client calls commands over the socket, one at a time.
type Client struct {
	mu   sync.Mutex
	conn net.Conn
	in   *bufio.Reader
	next int64
}

// Dial reaches the bunker behind a socket. ErrNotRunning if there is none.
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, errors.Join(ErrNotRunning, err)
	}
	return &Client{conn: conn, in: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Call runs a command. params is a JSON object or empty; passphrase, when not
// empty, is the fresh proof of a dangerous command; the result is decoded into
// result, nil for nowhere. Refusals are *bunker.Error.
func (c *Client) Call(ctx context.Context, name string, params json.RawMessage, passphrase []byte, result any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	c.next++
	line, err := appendRequest(c.next, name, params, passphrase)
	if err != nil {
		return err
	}
	defer secret.Wipe(line)
	if _, err := c.conn.Write(line); err != nil {
		return c.lost(ctx, err)
	}
	b, err := c.line()
	if err != nil {
		return c.lost(ctx, err)
	}
	var r reply
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("reading the bunker's answer: %w", err)
	}
	secret.Wipe(b)
	if r.Error != nil {
		return r.Error.err()
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return fmt.Errorf("reading the bunker's answer to %s: %w", name, err)
	}
	return nil
}

// lost says why there is no answer.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the bunker ended the connection: %w", err)
}

// line reads one reply of at most MaxReply bytes.
func (c *Client) line() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > MaxReply:
			return nil, fmt.Errorf("the answer is longer than %d bytes", MaxReply)
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// appendRequest writes a line in one buffer, for the caller to wipe: it can hold
// secrets.
func appendRequest(id int64, name string, params json.RawMessage, passphrase []byte) ([]byte, error) {
	head, err := json.Marshal(request{ID: id, Cmd: name})
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(params)) == 0 {
		params = json.RawMessage("{}")
	}
	if !json.Valid(params) {
		return nil, errors.New("socket: the parameters are no JSON")
	}
	b := make([]byte, 0, len(head)+len(params)+6*len(passphrase)+64)
	b = append(b, bytes.TrimSuffix(head, []byte("}"))...)
	b = append(append(b, `,"params":`...), bytes.ReplaceAll(params, []byte("\n"), []byte(" "))...)
	if len(passphrase) > 0 {
		b = append(b, `,"proof":`...)
		b = secret.Param(passphrase).Reveal().AppendJSON(b)
	}
	return append(b, '}', '\n'), nil
}
