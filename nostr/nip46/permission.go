package nip46

import (
	"fmt"
	"strconv"
	"strings"

	"nsecbunker/nostr"
)

const (
	// MaxPermissionsBytes is the size in bytes of the longest permission string.
	MaxPermissionsBytes = 16 << 10
	// MaxPermissions is how many permissions one string may name.
	MaxPermissions = 512
)

// Permission is one entry of a permission string: method[:param] (NIP-46,
// Requested permissions). Only sign_event has a parameter, the kind in decimal;
// what others would mean the NIP leaves open, so they are refused.
type Permission struct {
	Method Method
	Param  string // "" for every kind
}

func (p Permission) String() string {
	if p.Param == "" {
		return string(p.Method)
	}
	return string(p.Method) + ":" + p.Param
}

// EventKind returns the one kind that a sign_event permission names; ok is false
// for a permission that names none.
func (p Permission) EventKind() (kind nostr.Kind, ok bool) {
	if p.Method != SignEvent {
		return 0, false
	}
	n, err := strconv.ParseUint(p.Param, 10, 16)
	return nostr.Kind(n), err == nil
}

// ParsePermissions reads a permission string that an admin wrote: entries
// separated by commas, with spaces tolerated around each and empty entries
// passed over. It knows NIP-46's methods and our word all. Doubles are dropped;
// the order is kept. An entry that it does not know is an error that names it:
// a right that was misspelt must not go missing silently.
func ParsePermissions(s string) ([]Permission, error) {
	if len(s) > MaxPermissionsBytes {
		return nil, fmt.Errorf("the permissions are longer than %d bytes", MaxPermissionsBytes)
	}
	var list []Permission
	seen := make(map[Permission]bool)
	for entry := range strings.SplitSeq(s, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		p, err := parsePermission(entry)
		if err != nil {
			return nil, err
		}
		if seen[p] {
			continue
		}
		if len(list) == MaxPermissions {
			return nil, fmt.Errorf("there are more than %d permissions", MaxPermissions)
		}
		seen[p] = true
		list = append(list, p)
	}
	return list, nil
}

// RequestedPermissions reads a permission string that a client wrote, in connect
// or in nostrconnect://: a wish that gives nothing by itself. What is not known
// there (Amber's decrypt_zap_event, a parameter of the future, our all, anything
// past the bounds) does not spoil the rest; it comes back in ignored, as
// untrusted text, for the person who decides.
func RequestedPermissions(s string) (list []Permission, ignored []string) {
	if len(s) > MaxPermissionsBytes {
		return nil, []string{clip(s, MaxMethod)}
	}
	seen := make(map[Permission]bool)
	for entry := range strings.SplitSeq(s, ",") {
		entry = strings.TrimSpace(entry)
		p, err := parsePermission(entry)
		switch {
		case entry == "" || seen[p]:
		case len(list)+len(ignored) == MaxPermissions:
			return list, ignored
		case err != nil || p.Method == All:
			ignored = append(ignored, clip(entry, MaxMethod))
		default:
			seen[p] = true
			list = append(list, p)
		}
	}
	return list, ignored
}

func parsePermission(entry string) (Permission, error) {
	name, param, has := strings.Cut(entry, ":")
	p := Permission{Method(strings.TrimSpace(name)), strings.TrimSpace(param)}
	if !p.Method.Known() && p.Method != All {
		return Permission{}, fmt.Errorf("unknown permission %q: NIP-46 has no such method; known are %s and %s",
			plain(name, MaxMethod), All, methodList())
	}
	if !has {
		return p, nil
	}
	if p.Method != SignEvent {
		return Permission{}, fmt.Errorf("permission %q: only sign_event takes a parameter; write %s", plain(entry, MaxMethod), p.Method)
	}
	n, err := strconv.ParseUint(p.Param, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != p.Param {
		return Permission{}, fmt.Errorf("permission %q: the kind must be a number from 0 to 65535, as in sign_event:1", plain(entry, MaxMethod))
	}
	return p, nil
}

func methodList() string {
	names := make([]string, 0, len(Methods()))
	for _, m := range Methods() {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}

// FormatPermissions writes a list as the permission string that ParsePermissions
// reads back to the same list.
func FormatPermissions(list []Permission) string {
	entries := make([]string, len(list))
	for i, p := range list {
		entries[i] = p.String()
	}
	return strings.Join(entries, ",")
}
