package adminwire

import "errors"

// TypeAnnounce is the type of an announcement.
const TypeAnnounce = "announce"

const (
	// MaxLife is the highest number of an incarnation that is believed: nobody restores so
	// often, and above it there is room to go on.
	MaxLife = 1_000_000
	// MaxLifeName is the longest name of an incarnation or an instance, in bytes.
	MaxLifeName = 64
)

// Announcement is what a bunker says to its own admin key: that it is open, and in which
// life of its store. Whoever hears one that is not in the own store hears another copy of
// the bunker.
type Announcement struct {
	// Said is this announcement's own random name, which its store has kept before it left.
	Said SessionID
	// Life is the number of the incarnation, Incarnation its id.
	Life        int64
	Incarnation string
	// Instance is the process that says it: for people who look for it.
	Instance string
	At       int64 // ledger time, unix ms
	// MAC is over all of it under the root key (bunker.Announcing): the admin key lies
	// beside the data, and whoever has that alone is no copy of the bunker.
	MAC [32]byte
}

// Append writes the message.
func (m *Announcement) Append() []byte {
	w := write(TypeAnnounce)
	w.hex("said", m.Said[:])
	w.num("life", m.Life)
	w.text("incarnation", m.Incarnation)
	w.text("instance", m.Instance)
	w.num("at", m.At)
	w.hex("mac", m.MAC[:])
	return w.end()
}

// ParseAnnouncement reads what came from the own admin key.
func ParseAnnouncement(b []byte) (m Announcement, err error) {
	o := parse(b)
	o.header(TypeAnnounce)
	o.bytes("said", m.Said[:], false)
	m.Life, m.At = o.num("life"), o.num("at")
	m.Incarnation, m.Instance = o.str("incarnation", MaxLifeName), o.str("instance", MaxLifeName)
	o.bytes("mac", m.MAC[:], false)
	switch {
	case o.end() != nil:
		return m, o.end()
	case m.Life < 1 || m.Life > MaxLife || m.Incarnation == "" || m.Instance == "":
		return m, errors.New("the announcement names no life of a store, or no instance")
	}
	return m, nil
}
