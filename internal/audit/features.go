package audit

import (
	"sort"
	"strconv"

	"nsecbunker/nostr"
)

// Bounds on what a record says of an event's tags: names are features, but a
// client chooses them, so they must not become a place for content.
const (
	// MaxTagNames distinct names are listed; the rest are counted as "other".
	MaxTagNames = 16
	// MaxTagName is the longest name in bytes that is written out.
	MaxTagName = 12
)

// TagNames returns the names of an event's tags with their counts, "p:2", in
// order of the name. Values are never looked at. Names that are long or hold
// anything but letters, digits, "-" and "_" are counted as "other".
func TagNames(tags nostr.Tags) []string {
	counts := map[string]int{}
	other := 0
	for _, t := range tags {
		if len(t) == 0 || !plainName(t[0]) {
			other++
			continue
		}
		if _, ok := counts[t[0]]; !ok && len(counts) == MaxTagNames {
			other++
			continue
		}
		counts[t[0]]++
	}
	names := make([]string, 0, len(counts)+1)
	for n := range counts {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		names[i] = n + ":" + strconv.Itoa(counts[n])
	}
	if other > 0 {
		names = append(names, "other:"+strconv.Itoa(other))
	}
	return names
}

func plainName(s string) bool {
	if s == "" || len(s) > MaxTagName || s == "other" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
