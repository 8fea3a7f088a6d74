// Package guard tells what a replaceable event would lose. An event of kinds 0, 3,
// 10000–19999 and 30000–39999 takes the place of the one before it (NIP-01), and
// an app that has not loaded a list, and saves it all the same, wipes it: Nostr's
// commonest loss of data. The guard compares what is to be signed with the last
// version that was signed here; it is pure, and decides nothing.
//
// What counts as lost:
//
//	tags           entries, by name and value: their order, and what stands behind
//	               the value (a relay hint, a petname), may change freely
//	kind 0         the fields of the profile's JSON, too; an empty one is none
//	private part   encrypted content that is gone, or has lost more than three tenths
//	text           content of which less than half is left
//
// Content of kind 3 is a list of relays that nobody reads any more and that apps
// leave out; drafts are emptied when they are done with: both may go.
package guard

import (
	"fmt"
	"strings"
	"time"

	"nsecbunker/nostr"
)

const (
	// DefaultShare is how many percent of its entries a new version may lose
	// unasked: more than people remove in one go, less than a list that an app had
	// not loaded whole.
	DefaultShare = 20
	// MaxShare asks only where everything would go.
	MaxShare = 100
	// MinLost entries must go for the share to count: removing one of three is no wipe.
	MinLost = 2
	// ContentShare is how many percent of a text may go unasked: texts are cut while
	// they are written.
	ContentShare = 50
	// PrivateShare is how many percent of encrypted content may go unasked. NIP-44 pads
	// it in steps of up to a quarter of what it holds, so that removing one entry can
	// look like a loss of a quarter, and never of more.
	PrivateShare = 30
	// MinContentLost bytes of content must go for that to count.
	MinContentLost = 256
	// StepsFor is how far back losses in small steps are added up: an app that saves
	// a list again and again, each time a little shorter, does so within minutes.
	StepsFor = 24 * time.Hour
	// Off is the share of a key that is not guarded.
	Off = -1
)

// Unknown is said of a key that was brought along, whose lists have been signed
// elsewhere and not been seen here yet.
const Unknown = "the bunker does not know the version before, so it cannot tell what would be lost"

// Unreadable is said when the kept version does not open.
const Unreadable = "the version before is kept but cannot be read, so it cannot be told what would be lost"

// Guarded reports whether an event of this kind takes another one's place.
func Guarded(k nostr.Kind) bool { return k.IsReplaceable() || k.IsAddressable() }

// AsksUnknown reports whether the first event of a kind is asked about, on a key
// that was brought along, while no version of it is known. Events with a d tag are
// not: a new one is what an article or a set begins with.
func AsksUnknown(k nostr.Kind) bool { return k.IsReplaceable() }

// D returns the d tag that, with kind and author, is the address of an event;
// "" for kinds that have none.
func D(t *nostr.Template) string {
	if !t.Kind.IsAddressable() {
		return ""
	}
	return t.Tags.Find("d").Value()
}

// Of returns the template of a signed event; it shares the tags.
func Of(e *nostr.Event) *nostr.Template {
	return &nostr.Template{CreatedAt: e.CreatedAt, Kind: e.Kind, Tags: e.Tags, Content: e.Content}
}

// Finding says why a person must be asked, or "" when nobody need be. share is
// the key's, in percent: 0 for the default, Off for never.
func (c *Changes) Finding(share int) string {
	if share == Off || c.First {
		return ""
	}
	if share <= 0 || share > MaxShare {
		share = DefaultShare
	}
	var found []string
	if c.entriesLost(share) {
		found = append(found, fmt.Sprintf("%d of %s would be lost", c.Removed, c.what(c.Before)))
	}
	if w := c.contentLost(share); w != "" {
		found = append(found, w)
	}
	if c.Older > 0 {
		found = append(found, fmt.Sprintf("it is dated %s before the last version", (time.Duration(c.Older)*time.Second).String()))
	}
	return strings.Join(found, "; ")
}

// Steps says why a person must be asked about a loss in small steps, or "": c
// compares with the version of some time ago, of which since then each took a
// little.
func (c *Changes) Steps(share int, ago time.Duration) string {
	if share == Off || c.First {
		return ""
	}
	if share <= 0 || share > MaxShare {
		share = DefaultShare
	}
	var found []string
	if c.entriesLost(share) {
		found = append(found, fmt.Sprintf("%d of the %s of %s ago would be lost, in small steps", c.Removed, c.what(c.Before), ago.Round(time.Second)))
	}
	if c.Content == ContentPrivate && c.shrunk(max(share, PrivateShare)) {
		found = append(found, fmt.Sprintf("of the private part of %s ago, %d bytes, %d would be left, in small steps", ago.Round(time.Second), c.ContentBefore, c.ContentAfter))
	}
	return strings.Join(found, "; ")
}

// Less reports whether anything is lost, however little: then the small steps before
// it count, too.
func (c *Changes) Less() bool {
	return c.Removed > 0 || c.Content == ContentPrivate && c.ContentAfter < c.ContentBefore
}

// entriesLost compares with the share; where everything goes, the share does not
// count. One last entry may leave what has a d tag: a status, a set of one.
func (c *Changes) entriesLost(share int) bool {
	switch {
	case c.Removed == 0:
		return false
	case c.Removed == c.Before:
		return c.Before >= MinLost || !c.Kind.IsAddressable()
	}
	return c.Removed >= MinLost && int64(c.Removed)*100 > int64(share)*int64(c.Before)
}

// shrunk compares the bytes of content with a share.
func (c *Changes) shrunk(share int) bool {
	lost := c.ContentBefore - c.ContentAfter
	return lost >= MinContentLost && int64(lost)*100 > int64(share)*int64(c.ContentBefore)
}

func (c *Changes) contentLost(share int) string {
	was, is := c.ContentBefore, c.ContentAfter
	switch c.Content {
	case ContentPrivate:
		switch {
		case is == 0:
			return "its private part would be lost"
		case c.Opened:
			return "its private part would be replaced by open text"
		case c.shrunk(max(share, PrivateShare)):
			return fmt.Sprintf("its private part would shrink from %d to %d bytes", was, is)
		}
	case ContentText:
		if c.shrunk(max(share, ContentShare)) {
			return fmt.Sprintf("its text would shrink from %d to %d bytes", was, is)
		}
	}
	return ""
}
