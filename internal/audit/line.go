package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"nsecbunker/nostr"
)

// Line is one record as stored: its bytes and the head after it.
type Line struct {
	Body []byte
	Hash Head
}

// The export is JSON lines: a header, then records, then checkpoints.
//
//	{"audit":"nsecbunker/1","tenant":"self","key":"<audit key, hex>"}
//	{"hash":"<64 hex>","record":{…the body's own bytes…}}
//	{"checkpoint":{"tenant",…,"sig"}}
const (
	exportVersion = "nsecbunker/1"
	hashPrefix    = `{"hash":"`
	recordPrefix  = `","record":`
	hexLen        = 64
)

// Header is an export's first line.
type Header struct {
	Audit  string `json:"audit"` // the format's version
	Tenant string `json:"tenant"`
	// Key is the audit key as the bunker says; who verifies should compare it
	// with the one that he was given before.
	Key nostr.PubKey `json:"key"`
}

// AppendHeader appends an export's first line.
func AppendHeader(dst []byte, tenant string, key nostr.PubKey) ([]byte, error) {
	b, err := json.Marshal(Header{exportVersion, tenant, key})
	if err != nil {
		return dst, fmt.Errorf("audit export: %w", err)
	}
	return append(append(dst, b...), '\n'), nil
}

// AppendLine appends a record's line. The body's bytes are kept as they are, so
// that the hash can be computed again from the line.
func AppendLine(dst []byte, l Line) []byte {
	dst = append(dst, hashPrefix...)
	dst = hex.AppendEncode(dst, l.Hash[:])
	dst = append(dst, recordPrefix...)
	dst = append(dst, l.Body...)
	return append(dst, '}', '\n')
}

// AppendCheckpoint appends a checkpoint's line.
func AppendCheckpoint(dst []byte, s Signed) ([]byte, error) {
	b, err := json.Marshal(map[string]Signed{"checkpoint": s})
	if err != nil {
		return dst, fmt.Errorf("audit export: %w", err)
	}
	return append(append(dst, b...), '\n'), nil
}

// errNotALine is a line of an export that is neither record nor checkpoint.
var errNotALine = errors.New("is neither a record nor a checkpoint")

// Parsed is one line of an export: exactly one field is set.
type Parsed struct {
	Header     *Header
	Line       *Line
	Checkpoint *Signed
}

// ParseLine reads one line of an export, without its line break.
func ParseLine(b []byte) (Parsed, error) {
	if rest, ok := bytes.CutPrefix(b, []byte(hashPrefix)); ok {
		return parseRecord(rest)
	}
	var j struct {
		Audit      string       `json:"audit"`
		Tenant     string       `json:"tenant"`
		Key        nostr.PubKey `json:"key"`
		Checkpoint *Signed      `json:"checkpoint"`
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return Parsed{}, fmt.Errorf("%w: %w", errNotALine, err)
	}
	switch {
	case j.Checkpoint != nil:
		return Parsed{Checkpoint: j.Checkpoint}, nil
	case j.Audit == exportVersion:
		return Parsed{Header: &Header{j.Audit, j.Tenant, j.Key}}, nil
	case j.Audit != "":
		return Parsed{}, fmt.Errorf("has the format %q; this program reads %q", j.Audit, exportVersion)
	}
	return Parsed{}, errNotALine
}

func parseRecord(rest []byte) (Parsed, error) {
	if len(rest) < hexLen+len(recordPrefix)+len("{}}") || rest[len(rest)-1] != '}' ||
		!bytes.HasPrefix(rest[hexLen:], []byte(recordPrefix)) {
		return Parsed{}, errNotALine
	}
	var l Line
	if _, err := hex.Decode(l.Hash[:], rest[:hexLen]); err != nil {
		return Parsed{}, errors.New("has a hash that is not 64 hex digits")
	}
	l.Body = rest[hexLen+len(recordPrefix) : len(rest)-1]
	if !json.Valid(l.Body) {
		return Parsed{}, errors.New("has a record that is no JSON")
	}
	return Parsed{Line: &l}, nil
}
