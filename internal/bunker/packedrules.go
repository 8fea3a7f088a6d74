package bunker

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"nsecbunker/nostr"
)

// PackedRules are the rules of a policy in as little memory as they take: numbers of
// few bytes, known words by their number, nothing of what is not set. They are in
// order of id, which does not matter to what they say. They are of this process and of
// this version of it: nobody stores or sends them. The zero value cannot be read, so
// that nothing goes by the rules that somebody forgot.
type PackedRules string

// PackedRule is one of them.
type PackedRule string

// errPacked is what no rules were packed as; nothing is allowed by it.
var errPacked = errors.New("packed rules cannot be read")

// PackRules packs rules.
func PackRules(rules []Rule) PackedRules {
	order := make([]*Rule, len(rules))
	for i := range rules {
		order[i] = &rules[i]
	}
	slices.SortStableFunc(order, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	b := binary.AppendUvarint(nil, uint64(len(rules)))
	var one []byte
	for _, r := range order {
		one = appendRule(one[:0], r)
		b = binary.AppendUvarint(b, uint64(len(one)))
		b = append(b, one...)
	}
	return PackedRules(b)
}

// Len is how many there are.
func (p PackedRules) Len() (int, error) {
	u := unpacker{s: string(p)}
	n := u.count()
	return n, u.err()
}

// Each calls f with each, in order, until it returns false.
func (p PackedRules) Each(f func(i int, r PackedRule) bool) error {
	u := unpacker{s: string(p)}
	n := u.count()
	for i := range n {
		one := u.text()
		if u.bad {
			return errPacked
		}
		if !f(i, PackedRule(one)) {
			return nil
		}
	}
	if u.bad || u.s != "" {
		return errPacked
	}
	return nil
}

// Unpack returns the rules, whose texts are parts of p.
func (p PackedRules) Unpack() (rules []Rule, err error) {
	n, err := p.Len()
	if err != nil || n == 0 {
		return nil, errors.Join(err, p.Each(func(int, PackedRule) bool { return true }))
	}
	var bad error
	err = p.Each(func(_ int, one PackedRule) bool {
		var r Rule
		r, bad = one.Unpack()
		rules = append(rules, r)
		return bad == nil
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, err
	}
	return rules, nil
}

// What is set of a rule, as bits; the lowest two are its effect. What most rules have
// is in the first byte.
const (
	packKinds = 1 << (iota + 2)
	packMethods
	packRights
	packBudget
	packTags
	packContent
	packHours
	packNote
	packPeers
	packResults
	packSkew
	packDoors
	packRelays
	packExpires
	packFor
	packQuorum
	packAll // and above: nothing
)

func appendRule(b []byte, r *Rule) []byte {
	has := uint64(knownEffect(r.Effect))
	for _, part := range [...]struct {
		bit uint64
		set bool
	}{
		{packKinds, len(r.Kinds) > 0}, {packMethods, len(r.Methods) > 0}, {packRights, len(r.Rights) > 0}, {packBudget, r.Budget != nil},
		{packTags, len(r.Tags) > 0}, {packContent, r.Content != nil}, {packHours, len(r.Hours) > 0}, {packNote, r.Note != ""},
		{packPeers, len(r.Peers) > 0}, {packResults, len(r.Results) > 0}, {packSkew, r.MaxSkew != 0}, {packDoors, len(r.Doors) > 0},
		{packRelays, len(r.Relays) > 0}, {packExpires, r.ExpiresAt != 0}, {packFor, r.For != 0}, {packQuorum, r.Quorum != 0},
	} {
		if part.set {
			has |= part.bit
		}
	}
	b = appendText(binary.AppendUvarint(b, has), r.ID)
	if has&packKinds != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Kinds)))
		for _, k := range r.Kinds {
			b = binary.AppendVarint(binary.AppendUvarint(b, uint64(k.From)), int64(k.To)-int64(k.From))
		}
	}
	b = appendWords(b, has&packMethods != 0, r.Methods)
	b = appendWords(b, has&packRights != 0, r.Rights)
	if has&packBudget != 0 {
		b = appendBudget(b, r.Budget)
	}
	if has&packTags != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Tags)))
		for i := range r.Tags {
			b = appendTag(b, &r.Tags[i])
		}
	}
	if c := r.Content; c != nil {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(c.MinLength)), int64(c.MaxLength))
		b = appendText(appendWords(b, true, c.Words), c.Pattern)
	}
	if has&packHours != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Hours)))
		for _, h := range r.Hours {
			b = appendWords(binary.AppendVarint(binary.AppendVarint(b, int64(h.From)), int64(h.To)), true, h.Days)
		}
	}
	if has&packNote != 0 {
		b = appendText(b, r.Note)
	}
	if has&packPeers != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Peers)))
		for i := range r.Peers {
			b = append(b, r.Peers[i][:]...)
		}
	}
	b = appendWords(b, has&packResults != 0, r.Results)
	b = appendSet(b, r.MaxSkew)
	b = appendWords(b, has&packDoors != 0, r.Doors)
	b = appendWords(b, has&packRelays != 0, r.Relays)
	return appendSet(appendSet(appendSet(b, r.ExpiresAt), r.For), int64(r.Quorum))
}

// knownEffect is what an effect is taken for: one that is none denies.
func knownEffect(e Effect) Effect {
	if e > Allow {
		return Deny
	}
	return e
}

func appendBudget(b []byte, g *Budget) []byte {
	for _, n := range [...]int64{g.Total, g.PerMinute, g.PerHour, g.PerDay} {
		b = binary.AppendVarint(b, n)
	}
	return append(appendWord(b, string(g.Per)), byte(knownEffect(g.WhenSpent)))
}

func appendTag(b []byte, t *TagMatch) []byte {
	absent := byte(0)
	if t.Absent {
		absent = 1
	}
	b = append(appendText(b, t.Name), absent)
	return appendWords(binary.AppendVarint(b, int64(t.Max)), true, t.Values)
}

// appendSet writes a number that is left out where it is 0.
func appendSet(b []byte, n int64) []byte {
	if n == 0 {
		return b
	}
	return binary.AppendVarint(b, n)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// packedWords are written as their places here; other words as themselves.
var packedWords = [...]string{
	"sign_event", "nip04_encrypt", "nip04_decrypt", "nip44_encrypt", "nip44_decrypt",
	string(ResultWrap), string(ResultDM), string(ResultSelf), string(ResultOther),
	string(PerConnection), string(PerKey), string(PerPolicy), string(DoorRelay), "embedded",
	"mon", "tue", "wed", "thu", "fri", "sat", "sun",
	"articles", "chat", "delete", "direct-messages", "everything", "files", "follow", "lists", "logins", "post", "private-data", "profile", "react",
	"read", "relays", "zap",
}

func appendWord(b []byte, s string) []byte {
	for i, w := range packedWords {
		if s == w {
			return binary.AppendUvarint(b, uint64(i))
		}
	}
	return append(binary.AppendUvarint(b, uint64(len(packedWords)+len(s))), s...)
}

func appendWords[T ~string](b []byte, set bool, list []T) []byte {
	if !set {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendWord(b, string(s))
	}
	return b
}

// Unpack returns the rule, whose texts are parts of p. Where it cannot be read, it is
// the rule that denies everything.
func (p PackedRule) Unpack() (Rule, error) {
	u := unpacker{s: string(p)}
	r := u.rule()
	if u.s != "" {
		u.bad = true
	}
	if u.bad {
		return Rule{}, errPacked
	}
	return r, nil
}

// unpacker is the rest of what was packed. After what cannot be read there is none.
type unpacker struct {
	s   string
	bad bool
}

func (u *unpacker) err() error {
	if u.bad {
		return errPacked
	}
	return nil
}

func (u *unpacker) fail() { u.s, u.bad = "", true }

func (u *unpacker) num() (n uint64) {
	for i := 0; i < len(u.s) && i < binary.MaxVarintLen64; i++ {
		c := uint64(u.s[i])
		n |= c & 0x7f << (7 * i)
		if c < 0x80 {
			if i == binary.MaxVarintLen64-1 && c > 1 {
				break // more than 64 bits
			}
			u.s = u.s[i+1:]
			return n
		}
	}
	u.fail()
	return 0
}

func (u *unpacker) signed() int64 {
	n := u.num()
	return int64(n>>1) ^ -int64(n&1)
}

func (u *unpacker) cut(n uint64) (s string) {
	if n > uint64(len(u.s)) {
		u.fail()
		return ""
	}
	s, u.s = u.s[:n], u.s[n:]
	return s
}

func (u *unpacker) text() string { return u.cut(u.num()) }

// count is of a list, each of which takes a byte at least.
func (u *unpacker) count() int {
	n := u.num()
	if n > uint64(len(u.s)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) word() string {
	n := u.num()
	if n < uint64(len(packedWords)) {
		return packedWords[n]
	}
	return u.cut(n - uint64(len(packedWords)))
}

func (u *unpacker) effect(n uint64) Effect {
	if n > uint64(Allow) {
		u.fail()
		return Deny
	}
	return Effect(n)
}

// unpackList reads a list, nil for an empty one.
func unpackList[T any](u *unpacker, one func() T) (list []T) {
	n := u.count()
	if n == 0 {
		return nil
	}
	list = make([]T, n)
	for i := range list {
		list[i] = one()
	}
	return list
}

func unpackWords[T ~string](u *unpacker) []T { return unpackList(u, func() T { return T(u.word()) }) }

func (u *unpacker) rule() (r Rule) {
	has := u.num()
	if has >= packAll {
		u.fail()
	}
	r.Effect, r.ID = u.effect(has&3), u.text()
	if has&packKinds != 0 {
		r.Kinds = unpackList(u, u.kinds)
	}
	if has&packMethods != 0 {
		r.Methods = unpackWords[string](u)
	}
	if has&packRights != 0 {
		r.Rights = unpackWords[string](u)
	}
	if has&packBudget != 0 {
		r.Budget = u.budget()
	}
	if has&packTags != 0 {
		r.Tags = unpackList(u, u.tag)
	}
	if has&packContent != 0 {
		r.Content = &ContentMatch{MinLength: int(u.signed()), MaxLength: int(u.signed()), Words: unpackWords[string](u), Pattern: u.text()}
	}
	if has&packHours != 0 {
		r.Hours = unpackList(u, func() Hours {
			return Hours{From: int(u.signed()), To: int(u.signed()), Days: unpackWords[Weekday](u)}
		})
	}
	if has&packNote != 0 {
		r.Note = u.text()
	}
	if has&packPeers != 0 {
		r.Peers = unpackList(u, u.peer)
	}
	if has&packResults != 0 {
		r.Results = unpackWords[DecryptResult](u)
	}
	if has&packSkew != 0 {
		r.MaxSkew = u.signed()
	}
	if has&packDoors != 0 {
		r.Doors = unpackWords[Door](u)
	}
	if has&packRelays != 0 {
		r.Relays = unpackWords[string](u)
	}
	if has&packExpires != 0 {
		r.ExpiresAt = u.signed()
	}
	if has&packFor != 0 {
		r.For = u.signed()
	}
	if has&packQuorum != 0 {
		r.Quorum = int(u.signed())
	}
	return r
}

func (u *unpacker) kind(n int64) nostr.Kind {
	if n < 0 || n > int64(^nostr.Kind(0)) {
		u.fail()
		return 0
	}
	return nostr.Kind(n)
}

func (u *unpacker) kinds() KindRange {
	from := u.kind(int64(min(u.num(), 1<<32)))
	return KindRange{From: from, To: u.kind(int64(from) + u.signed())}
}

func (u *unpacker) budget() *Budget {
	g := &Budget{Total: u.signed(), PerMinute: u.signed(), PerHour: u.signed(), PerDay: u.signed(), Per: BudgetScope(u.word())}
	g.WhenSpent = u.effect(u.num())
	return g
}

func (u *unpacker) tag() TagMatch {
	t := TagMatch{Name: u.text()}
	absent := u.num()
	if absent > 1 {
		u.fail()
	}
	t.Absent = absent == 1
	t.Max, t.Values = int(u.signed()), unpackWords[string](u)
	return t
}

func (u *unpacker) peer() (p nostr.PubKey) {
	copy(p[:], u.cut(uint64(len(p))))
	return p
}
