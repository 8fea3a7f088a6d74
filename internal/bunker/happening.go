package bunker

import (
	"strings"

	"nsecbunker/nostr"
)

// HappeningKind says what sort of thing was committed.
type HappeningKind string

// The kinds of happenings.
const (
	QuestionMade     HappeningKind = "question.made"
	QuestionJoined   HappeningKind = "question.joined" // the same was asked again; ID is the open question
	QuestionAnswered HappeningKind = "question.answered"
	QuestionExpired  HappeningKind = "question.expired"
	ConnectionMade   HappeningKind = "connection.made"
	AlarmRaised      HappeningKind = "alarm"  // see Notice
	Changed          HappeningKind = "change" // by an admin's command, or by the bunker itself; see Action
)

// Happening is a committed fact that people, or their open apps, may want to hear
// of. It is made of an audit record, so it is never told before the commit, and
// holds ids only.
type Happening struct {
	Kind HappeningKind
	// Notice is what people are told; "" for nothing.
	Notice     NoticeKind
	Seq        int64 // of the audit record
	At         int64 // ledger time, unix ms
	ID         string
	Key        nostr.PubKey
	Connection ConnectionID
	Action     string // of the record: "token.create", "approval.answer", …
	By         string // the record's principal
}

// SpentSecretReason is the reason in the record of a spent secret that another
// key showed.
const SpentSecretReason = "the secret of a link that was used up was shown by another key"

// HappeningOf reads a record of the log. Kind is "" for what is no news.
func HappeningOf(r *AuditRecord) Happening {
	h := Happening{
		Kind: Changed, Seq: r.Seq, At: r.Time, ID: r.Object, Connection: ConnectionID(r.Connection), Action: r.Action, By: r.Principal,
	}
	h.Key, _ = nostr.ParsePubKey(r.Key) // zero where there is none
	switch {
	case r.Step == "ask" && strings.HasPrefix(r.Rule, "approval "):
		h.Kind = QuestionJoined
	case r.Step == "ask":
		h.Kind, h.Notice = QuestionMade, NoticeQuestion
	case r.Action == "approval.answer":
		h.Kind, h.Notice = QuestionAnswered, NoticeAnswered
	case r.Action == "approval.expire":
		h.Kind, h.Notice = QuestionExpired, NoticeExpired
	case r.Action == "connect" && r.Reason == SpentSecretReason:
		h.Kind, h.Notice = AlarmRaised, AlarmSecret
	case r.Action == "connect":
		h.Kind = "" // refused: told by numbers in the log, and to nobody
		if r.Event != "" && r.Effect == Allow.String() {
			h.Kind = ConnectionMade
		}
	case r.Action == "session.open" && r.Effect == Ask.String(): // by a device that nobody has confirmed
		h.Kind, h.Notice = AlarmRaised, AlarmDevice
	default:
		if h.Notice = alarmOf(r.Action); h.Notice != "" {
			h.Kind = AlarmRaised
		}
	}
	return h
}

// alarmOf is the alarm that an action is by itself.
func alarmOf(action string) NoticeKind {
	switch action {
	case "tampered":
		return AlarmTampered
	case "copy.stop":
		return AlarmCopy
	case "copy.older":
		return AlarmOlderCopy
	case "stop":
		return AlarmStop
	case "admin.add", "admin.invite", "admin.accept", "admin.legacy", "admin.script":
		return AlarmAdmin
	case "tenant.standing":
		return AlarmStanding
	case "notify.codes":
		return AlarmCodes
	case "break_glass":
		return AlarmGlass
	case SeatsFull:
		return AlarmSeats
	case "device.new", "device.confirm", "device.pair":
		return AlarmDevice
	}
	return ""
}
