package bunker

import "nsecbunker/nostr"

// ChannelKind is a way in which people are told of what waits for them.
type ChannelKind string

// The kinds of channels.
const (
	ChannelNostr   ChannelKind = "nostr"   // direct messages, NIP-17 or, for old apps, NIP-04
	ChannelNtfy    ChannelKind = "ntfy"    // a topic of an ntfy server
	ChannelWebhook ChannelKind = "webhook" // a signed POST
	ChannelMail    ChannelKind = "mail"    // e-mail by SMTP
	ChannelPush    ChannelKind = "push"    // Web Push to one browser (RFC 8030)
)

// NoticeClass is what a channel can choose to hear of.
type NoticeClass string

// The classes of notices.
const (
	ClassQuestions NoticeClass = "questions" // a question waits
	ClassAnswers   NoticeClass = "answers"   // a question was answered, or nobody did in time
	ClassAlarms    NoticeClass = "alarms"    // something is wrong, or may be
)

// ChannelSettings say where a channel leads and what goes there. They hold no
// secret. As they are written into the row's MAC as JSON, a field is never renamed.
type ChannelSettings struct {
	// Target is a URL (ntfy, webhook, push), an address (mail), or a pubkey in hex (nostr).
	Target string `json:"target"`
	// Classes are what the channel hears of; never empty.
	Classes []NoticeClass `json:"classes"`
	// Details: notices may name the app and the key; never the content.
	Details bool `json:"details,omitempty"`
	// After is how long a question may wait before this channel hears of it, in
	// ms: the on-call order.
	After int64 `json:"after,omitempty"`
	// Quiet is "22:00-07:00" in Zone: questions and answers wait for its end.
	Quiet string `json:"quiet,omitempty"`
	Zone  string `json:"zone,omitempty"` // of the IANA time zone database; "": UTC
	// QuietAlarms: alarms wait for the end of the quiet hours, too.
	QuietAlarms bool `json:"quiet_alarms,omitempty"`

	// Of nostr:
	Relays  []string `json:"relays,omitempty"`  // where to send; none: the bunker's
	Legacy  bool     `json:"legacy,omitempty"`  // kind 4, for apps that do not know NIP-17
	Answers bool     `json:"answers,omitempty"` // the messages carry codes to answer with

	// Of mail:
	Server string `json:"server,omitempty"` // host:port
	TLS    string `json:"tls,omitempty"`    // "starttls" or "tls"
	From   string `json:"from,omitempty"`
	User   string `json:"user,omitempty"` // "": no login

	// Of push: what the browser gave (RFC 8291), base64url.
	P256dh string `json:"p256dh,omitempty"`
}

// Channel is one way to tell one person, or one machine. It carries authority: a
// row that was changed from outside must not redirect what we say. Its MAC is
// kept twice, under the root key and under the service key, because a sealed
// bunker still has to say that it is sealed.
type Channel struct {
	Tenant   TenantID
	Name     string // unique in the tenant; the primary key
	Kind     ChannelKind
	Settings ChannelSettings
	// Text is Settings as stored: JSON, which the MAC covers. The store fills it.
	Text string
	// Secret is the channel's secret, wrapped by the service key; empty for none.
	Secret    []byte
	CreatedAt int64 // unix ms
	Version   int64
}

// AuthorityRow implements [Authority].
func (c *Channel) AuthorityRow() (TenantID, string, string, int64) {
	return c.Tenant, "notify_channel", c.Name, c.Version
}

// Canonical implements [Authority].
func (c *Channel) Canonical() []byte {
	var b canon
	b.str(string(c.Kind))
	b.str(c.Text)
	b.bytes(c.Secret)
	b.num(c.CreatedAt)
	return b.b
}

// Hears reports whether the channel wants notices of a class.
func (s *ChannelSettings) Hears(class NoticeClass) bool {
	for _, c := range s.Classes {
		if c == class {
			return true
		}
	}
	return false
}

// NoticeKind says what a notice is about.
type NoticeKind string

// What people are told. Alarms name what happened, not to whom.
const (
	NoticeQuestion NoticeKind = "question" // an app asks for something
	NoticeAnswered NoticeKind = "answered" // by whom: the record says it
	NoticeExpired  NoticeKind = "expired"

	AlarmSecret      NoticeKind = "secret"      // another app showed a link that was used up
	AlarmTampered    NoticeKind = "tampered"    // a stored row was changed from outside
	AlarmStop        NoticeKind = "stop"        // stop everything
	AlarmCopy        NoticeKind = "copy"        // another copy of the bunker runs, and this one stopped
	AlarmOlderCopy   NoticeKind = "older"       // an older copy of the bunker ran beside this one
	AlarmAdmin       NoticeKind = "admin"       // an administrator was named
	AlarmDevice      NoticeKind = "device"      // a login from a new device
	AlarmCodes       NoticeKind = "codes"       // wrong codes by direct message
	AlarmGlass       NoticeKind = "glass"       // done at the machine without the persons that it needs
	AlarmSealed      NoticeKind = "sealed"      // it runs sealed after a start
	AlarmClock       NoticeKind = "clock"       // the clock cannot be believed
	AlarmRelay       NoticeKind = "relay"       // a relay is down for long
	AlarmUndelivered NoticeKind = "undelivered" // replies that no relay took
	AlarmBackup      NoticeKind = "backup"      // the last backup is old
	AlarmSeats       NoticeKind = "seats"       // somebody was refused because all seats are taken
	AlarmStanding    NoticeKind = "standing"    // the provider holds the bunker, or does no more
)

// Class is what channels choose by; "" for a kind that nobody is told of.
func (k NoticeKind) Class() NoticeClass {
	switch k {
	case NoticeQuestion:
		return ClassQuestions
	case NoticeAnswered, NoticeExpired:
		return ClassAnswers
	case AlarmSecret, AlarmTampered, AlarmStop, AlarmAdmin, AlarmDevice, AlarmCodes, AlarmGlass, AlarmSealed, AlarmClock, AlarmRelay,
		AlarmUndelivered, AlarmBackup, AlarmSeats, AlarmStanding, AlarmCopy, AlarmOlderCopy:
		return ClassAlarms
	}
	return ""
}

// NoticeState is the life of a notice in the outbox.
type NoticeState string

// The states of a notice.
const (
	NoticeWaiting NoticeState = "waiting"
	NoticeSent    NoticeState = "sent"
	NoticeMoot    NoticeState = "moot"   // what it was about was settled before it was due
	NoticeFailed  NoticeState = "failed" // given up; listed
)

// Notice is one thing that one channel is to be told: a row of the outbox. It
// holds ids, no names and no content.
type Notice struct {
	Tenant  TenantID
	ID      NoticeID
	Channel string
	Kind    NoticeKind
	// Source is what it comes from, unique in its channel: the number of an audit
	// record, or a condition with its day. A source is told once.
	Source     string
	Object     string // question, token, npub or relay that it is about
	Key        nostr.PubKey
	Connection ConnectionID
	At         int64 // unix ms: when it happened
	Due        int64 // unix ms: not before
	State      NoticeState
	// Batch is the message that carries it; "" before the first try. A message
	// is tried again with the same notices and under the same name, so that who
	// gets it twice can tell.
	Batch   NoticeID
	Tries   int
	NextTry int64  // unix ms
	Error   string // of the last try
	SentAt  int64  // unix ms
	// Used: the code that a direct message carried for it was used.
	Used bool
}
