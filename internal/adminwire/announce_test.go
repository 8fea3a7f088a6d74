package adminwire

import (
	"strings"
	"testing"
)

func TestParseAnnouncementRefuses(t *testing.T) {
	good := Announcement{Said: SessionID{1}, Life: 3, Incarnation: "i1", Instance: "x1", At: 5, MAC: [32]byte{7}}
	text := string(good.Append())
	if m, err := ParseAnnouncement([]byte(text)); err != nil || m != good {
		t.Fatalf("%v %v", m, err)
	}
	for what, bad := range map[string]string{
		"no life":         strings.Replace(text, `"life":3`, `"life":0`, 1),
		"a huge life":     strings.Replace(text, `"life":3`, `"life":1000001`, 1),
		"a long name":     strings.Replace(text, `"i1"`, `"`+strings.Repeat("i", MaxLifeName+1)+`"`, 1),
		"no incarnation":  strings.Replace(text, `"i1"`, `""`, 1),
		"no instance":     strings.Replace(text, `"x1"`, `""`, 1),
		"another type":    strings.Replace(text, `"announce"`, `"hello"`, 1),
		"another version": strings.Replace(text, `"v":1`, `"v":2`, 1),
		"another field":   strings.Replace(text, `{`, `{"more":1,`, 1),
		"a short name":    strings.Replace(text, `"01`, `"`, 1),
		"a short MAC":     strings.Replace(text, `"07`, `"`, 1),
		"no MAC":          text[:strings.Index(text, `,"mac"`)] + "}",
		"nothing":         "",
	} {
		if _, err := ParseAnnouncement([]byte(bad)); err == nil || bad == text {
			t.Errorf("%s was read: %s", what, bad)
		}
	}
}
