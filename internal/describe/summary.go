package describe

import (
	"strings"

	"nsecbunker/internal/guard"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Bounds of a summary. An operation that fits into a NIP-44 message is kept whole,
// so that a person can see every byte that would be signed.
const (
	// MaxContent is how many bytes of content, or of a text to encrypt, are kept.
	MaxContent = 64 << 10
	// MaxTags is how many tags are kept.
	MaxTags = 2000
	// MaxTagBytes is how many bytes of tags are kept.
	MaxTagBytes = 64 << 10
	// MaxTagNames is how many names of tags are counted when tags are left out.
	MaxTagNames = 32
)

// Summary is what a question keeps of an operation; stored under the root key.
type Summary struct {
	Method    string `json:"method"`
	Kind      *int64 `json:"kind,omitempty"`
	CreatedAt int64  `json:"created_at,omitempty"` // unix seconds
	// Content is the event's, or the text that is to be encrypted.
	Content string     `json:"content,omitempty"`
	Tags    [][]string `json:"tags,omitempty"`
	// Counts are the numbers of all tags by name, when not all are in Tags.
	Counts map[string]int `json:"counts,omitempty"`
	Peer   string         `json:"peer,omitempty"` // hex
	Size   int64          `json:"size,omitempty"`
	Cut    bool           `json:"cut,omitempty"` // content or tags were too long to keep whole
	// Perms and App are a login's.
	Perms string                `json:"perms,omitempty"`
	App   *nip46.ClientMetadata `json:"app,omitempty"`
	// Changes and Guard, of a replaceable event: what it does to the version before,
	// and why the guard asks ("" when it does not).
	Changes *guard.Changes `json:"changes,omitempty"`
	Guard   string         `json:"guard,omitempty"`
}

// Keep is the summary of an operation.
func Keep(op *policy.Operation) Summary {
	s := Summary{Method: string(op.Method), Size: op.Size()}
	if t := op.Template; t != nil {
		kind := op.Kind()
		s.Kind, s.CreatedAt = &kind, t.CreatedAt
		s.content(t.Content)
		s.tags(t.Tags)
		return s
	}
	s.Peer = op.Peer.String()
	if op.Method == nip46.NIP44Encrypt || op.Method == nip46.NIP04Encrypt {
		s.content(string(op.Payload))
	}
	return s
}

func (s *Summary) content(text string) {
	if len(text) > MaxContent {
		text, s.Cut = strings.ToValidUTF8(text[:MaxContent], ""), true
	}
	s.Content = text
}

// tags keeps tags in their order; the bounds cut the end off.
func (s *Summary) tags(tags nostr.Tags) {
	left := MaxTagBytes
	for i, tag := range tags {
		size := 0
		for _, v := range tag {
			size += len(v) + 1
		}
		if i == MaxTags || size > left {
			s.Cut, s.Counts = true, counts(tags)
			return
		}
		left -= size
		s.Tags = append(s.Tags, tag)
	}
}

func counts(tags nostr.Tags) map[string]int {
	n := map[string]int{}
	for _, tag := range tags {
		if len(tag) == 0 || len(tag[0]) > MaxTagNames {
			continue
		}
		if _, known := n[tag[0]]; known || len(n) < MaxTagNames {
			n[tag[0]]++
		}
	}
	return n
}
