// Package nip11 holds the relay information document: ours to serve, others'
// to read (NIP-11).
package nip11

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"
)

// ContentType is the media type of the document, in Accept and in Content-Type.
const ContentType = "application/nostr+json"

const (
	// MaxDocument is the size in bytes of the largest document that is read.
	// Those in the wild have 1 to 4 KiB.
	MaxDocument = 64 << 10
	// MaxText is the size in bytes that is kept of a text in a document.
	MaxText = 4 << 10
	// MaxNIPs is how many numbers are kept of supported_nips.
	MaxNIPs = 256
)

// Document describes a relay. Every field may be missing. Texts of a document
// that was read are valid UTF-8 and bounded, and otherwise a stranger's: for
// display only, after the one function for untrusted text.
type Document struct {
	Name           string      `json:"name,omitempty"`
	Description    string      `json:"description,omitempty"`
	Icon           string      `json:"icon,omitempty"`
	PubKey         string      `json:"pubkey,omitempty"`
	Self           string      `json:"self,omitempty"`
	Contact        string      `json:"contact,omitempty"`
	SupportedNIPs  []int       `json:"supported_nips,omitempty"`
	Software       string      `json:"software,omitempty"`
	Version        string      `json:"version,omitempty"`
	TermsOfService string      `json:"terms_of_service,omitempty"`
	Limitation     *Limitation `json:"limitation,omitempty"`
}

// Limitation is what a relay refuses (NIP-11, Server Limitations). Zero means
// that the relay says nothing about it.
type Limitation struct {
	MaxMessageLength    int64 `json:"max_message_length,omitempty"` // bytes of a frame
	MaxSubscriptions    int64 `json:"max_subscriptions,omitempty"`
	MaxLimit            int64 `json:"max_limit,omitempty"`
	MaxSubIDLength      int64 `json:"max_subid_length,omitempty"`
	MaxEventTags        int64 `json:"max_event_tags,omitempty"`
	MaxContentLength    int64 `json:"max_content_length,omitempty"` // characters
	MinPowDifficulty    int64 `json:"min_pow_difficulty,omitempty"`
	AuthRequired        bool  `json:"auth_required"`
	PaymentRequired     bool  `json:"payment_required"`
	RestrictedWrites    bool  `json:"restricted_writes"`
	CreatedAtLowerLimit int64 `json:"created_at_lower_limit,omitempty"` // seconds into the past
	CreatedAtUpperLimit int64 `json:"created_at_upper_limit,omitempty"` // seconds into the future
}

// JSON returns the document to be served.
func (d Document) JSON() ([]byte, error) { return json.Marshal(d) }

// Headers returns the headers that a reply with the document must have: its
// type, and those of CORS (NIP-11: relays MUST accept CORS requests).
func Headers() map[string]string {
	return map[string]string{
		"Content-Type":                 ContentType,
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Headers": "*",
		"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
	}
}

// Wanted reports whether a request with this Accept header asks for the document.
func Wanted(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		if kind, _, err := mime.ParseMediaType(part); err == nil && kind == ContentType {
			return true
		}
	}
	return false
}

// URL returns where the document of a relay is: its own address over http.
func URL(relay string) (string, error) {
	if rest, ok := strings.CutPrefix(relay, "wss://"); ok {
		return "https://" + rest, nil
	}
	if rest, ok := strings.CutPrefix(relay, "ws://"); ok {
		return "http://" + rest, nil
	}
	return "", errors.New("a relay's address must begin with wss:// or ws://")
}

// Read reads a document of any relay, MaxDocument bytes at most. It forgives a
// field of the wrong type, which is as if it were missing: documents in the wild
// have numbers as strings and the other way round.
func Read(r io.Reader) (Document, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return Document{}, fmt.Errorf("reading the relay's document: %w", err)
	}
	return Parse(b)
}

// Parse is Read of bytes.
func Parse(b []byte) (Document, error) {
	if len(b) > MaxDocument {
		return Document{}, fmt.Errorf("the relay's document is longer than %d bytes", MaxDocument)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil || raw == nil {
		return Document{}, errors.New("the relay's document is no JSON object")
	}
	d := Document{
		Name: text(raw["name"]), Description: text(raw["description"]), Icon: text(raw["icon"]),
		PubKey: text(raw["pubkey"]), Self: text(raw["self"]), Contact: text(raw["contact"]),
		Software: text(raw["software"]), Version: text(raw["version"]), TermsOfService: text(raw["terms_of_service"]),
		SupportedNIPs: numbers(raw["supported_nips"]),
	}
	d.Limitation = limitation(raw["limitation"])
	return d, nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) <= MaxText {
		return s
	}
	n := MaxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func number(raw json.RawMessage) int64 {
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 0 {
		return 0
	}
	return n
}

func flag(raw json.RawMessage) bool {
	var b bool
	return json.Unmarshal(raw, &b) == nil && b
}

func numbers(raw json.RawMessage) []int {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	var list []int
	for _, item := range items {
		if n := number(item); n > 0 && n < 1<<16 && len(list) < MaxNIPs {
			list = append(list, int(n))
		}
	}
	return list
}

func limitation(raw json.RawMessage) *Limitation {
	var l map[string]json.RawMessage
	if json.Unmarshal(raw, &l) != nil || l == nil {
		return nil
	}
	return &Limitation{
		MaxMessageLength: number(l["max_message_length"]), MaxSubscriptions: number(l["max_subscriptions"]),
		MaxLimit: number(l["max_limit"]), MaxSubIDLength: number(l["max_subid_length"]),
		MaxEventTags: number(l["max_event_tags"]), MaxContentLength: number(l["max_content_length"]),
		MinPowDifficulty: number(l["min_pow_difficulty"]), AuthRequired: flag(l["auth_required"]),
		PaymentRequired: flag(l["payment_required"]), RestrictedWrites: flag(l["restricted_writes"]),
		CreatedAtLowerLimit: number(l["created_at_lower_limit"]), CreatedAtUpperLimit: number(l["created_at_upper_limit"]),
	}
}
