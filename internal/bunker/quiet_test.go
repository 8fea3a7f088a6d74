package bunker

import (
	"testing"
	"time"
)

func TestQuietHoursAreOfTheirZone(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		hours, zone, at string
		quiet           bool
	}{
		{"22:00-07:00", "", "2026-11-29T22:00:00Z", true},
		{"22:00-07:00", "", "2026-11-29T06:59:59Z", true},
		{"22:00-07:00", "", "2026-11-29T07:00:00Z", false},
		{"22:00-07:00", "", "2026-11-29T21:59:59Z", false},
		{"12:00-13:30", "", "2026-11-29T13:29:00Z", true},
		{"12:00-13:30", "", "2026-11-29T13:30:00Z", false},
		{"22:00-07:00", "Europe/Berlin", "2026-11-29T21:30:00Z", true},  // 22:30 in winter
		{"22:00-07:00", "Europe/Berlin", "2026-07-29T20:30:00Z", true},  // 22:30 in summer
		{"22:00-07:00", "Europe/Berlin", "2026-07-29T05:30:00Z", false}, // 07:30
		{"22:00-07:00", "America/New_York", "2026-11-29T12:30:00Z", false},
	} {
		q, err := ParseQuiet(c.hours, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.At(at(c.at)); got != c.quiet {
			t.Errorf("%s %s at %s: %t", c.hours, c.zone, c.at, got)
		}
	}
}

func TestHappeningsAreWhatTheirRecordsSay(t *testing.T) {
	for _, c := range []struct {
		r      AuditRecord
		kind   HappeningKind
		notice NoticeKind
	}{
		{AuditRecord{Action: "sign_event", Step: "ask", Object: "q"}, QuestionMade, NoticeQuestion},
		{AuditRecord{Action: "sign_event", Step: "ask", Object: "q", Rule: "approval q"}, QuestionJoined, ""},
		{AuditRecord{Action: "connect", Step: "ask", Object: "q", Event: "e"}, QuestionMade, NoticeQuestion},
		{AuditRecord{Action: "approval.answer", Object: "q"}, QuestionAnswered, NoticeAnswered},
		{AuditRecord{Action: "approval.expire", Object: "q"}, QuestionExpired, NoticeExpired},
		{AuditRecord{Action: "connect", Effect: "deny", Reason: SpentSecretReason, Object: "t"}, AlarmRaised, AlarmSecret},
		{AuditRecord{Action: "connect", Effect: "allow", Event: "e"}, ConnectionMade, ""},
		{AuditRecord{Action: "connect", Effect: "deny", Event: "e"}, "", ""},
		{AuditRecord{Action: "connect", Effect: "deny", Principal: "strangers", Count: 9}, "", ""},
		{AuditRecord{Action: "tampered"}, AlarmRaised, AlarmTampered},
		{AuditRecord{Action: "stop"}, AlarmRaised, AlarmStop},
		{AuditRecord{Action: "copy.stop"}, AlarmRaised, AlarmCopy},
		{AuditRecord{Action: "copy.older"}, AlarmRaised, AlarmOlderCopy},
		{AuditRecord{Action: "admin.add"}, AlarmRaised, AlarmAdmin},
		{AuditRecord{Action: "admin.accept"}, AlarmRaised, AlarmAdmin},
		{AuditRecord{Action: "break_glass"}, AlarmRaised, AlarmGlass},
		{AuditRecord{Action: "notify.codes"}, AlarmRaised, AlarmCodes},
		{AuditRecord{Action: "session.open", Effect: "ask", Object: "d"}, AlarmRaised, AlarmDevice},
		{AuditRecord{Action: "session.open", Effect: "allow", Object: "d"}, Changed, ""},
		{AuditRecord{Action: "device.confirm", Object: "d"}, AlarmRaised, AlarmDevice},
		{AuditRecord{Action: "token.create", Object: "t"}, Changed, ""},
	} {
		h := HappeningOf(&c.r)
		if h.Kind != c.kind || h.Notice != c.notice || h.ID != c.r.Object || h.Action != c.r.Action {
			t.Errorf("%+v: %+v", c.r, h)
		}
	}
}
