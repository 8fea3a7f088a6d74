// Package socket is the local edge: a unix socket in the data folder, for the
// command line on the same machine. Who may open it (its owner, and root) is the
// machine's own administrator.
//
// Each line is one JSON object. Requests:
//
//	{"id":1,"cmd":"key.add","params":{…},"proof":"the passphrase"}
//
// proof is only there for dangerous commands. Replies, in the order of requests:
//
//	{"id":1,"result":…}
//	{"id":1,"error":{"code":"invalid","words":"…","hint":"…","field":"…"}}
package socket

import (
	"encoding/json"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// Bounds of the socket.
const (
	// MaxLine is the longest request, in bytes.
	MaxLine = admin.MaxParams
	// MaxReply is the longest reply that a client reads, in bytes.
	MaxReply = 64 << 20
	// MaxConns is how many connections are served at once.
	MaxConns = 32
	// IdleTimeout ends a connection on which nothing is asked.
	IdleTimeout = 5 * time.Minute
	// WriteTimeout ends a connection that does not read its replies.
	WriteTimeout = 30 * time.Second
	// AcceptPause is how long no connection is taken after the system had no room
	// for one.
	AcceptPause = time.Second
	// MaxCommand is the longest name of a command, in bytes.
	MaxCommand = 64
)

// request is one line from the client.
type request struct {
	ID     int64           `json:"id"`
	Cmd    string          `json:"cmd"`
	Params json.RawMessage `json:"params,omitempty"`
	Proof  secret.Param    `json:"proof,omitempty"`
}

// reply is one line back.
type reply struct {
	ID     int64           `json:"id"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *publicError    `json:"error,omitempty"`
}

// publicError is a bunker.Error without its cause.
type publicError struct {
	Code  bunker.Code `json:"code"`
	Words string      `json:"words"`
	Hint  string      `json:"hint,omitempty"`
	Field string      `json:"field,omitempty"`
}

func public(err error) *publicError {
	e := bunker.AsError(err)
	return &publicError{e.Code, e.Words, e.Hint, e.Field}
}

func (p *publicError) err() *bunker.Error {
	return &bunker.Error{Code: p.Code, Words: p.Words, Hint: p.Hint, Field: p.Field}
}

// parseRequest reads one line, as strictly as parameters are read: what is not
// known, given twice or spelt otherwise is refused.
func parseRequest(line []byte) (request, error) {
	r, err := admin.Decode[request](line)
	if err != nil {
		e := bunker.AsError(err)
		if e.Field == "" {
			e = bunker.Errorf(bunker.CodeInvalid, "the request is no JSON object of the form {\"id\",\"cmd\",\"params\",\"proof\"}")
		}
		return request{}, e
	}
	if r.Cmd == "" || len(r.Cmd) > MaxCommand {
		return request{}, bunker.Errorf(bunker.CodeInvalid, "the request names no command").In("cmd")
	}
	return r, nil
}
