package ws

import (
	"encoding/json"
	"strings"
	"testing"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func TestFramesOfRelaysAreRead(t *testing.T) {
	cases := []struct {
		text string
		want frame
	}{
		{`["EVENT","s",{"id":"x"}]`, frame{kind: "EVENT", id: "s", body: []byte(`{"id":"x"}`)}},
		{`["OK","e",true,""]`, frame{kind: "OK", id: "e", ok: true}},
		{`["OK","e",false,"blocked: no"]`, frame{kind: "OK", id: "e", text: "blocked: no"}},
		{`["OK","e",true]`, frame{kind: "OK", id: "e", ok: true}},
		{`["EOSE","s"]`, frame{kind: "EOSE", id: "s"}},
		{`["CLOSED","s","error: x"]`, frame{kind: "CLOSED", id: "s", text: "error: x"}},
		{`["CLOSED","s"]`, frame{kind: "CLOSED", id: "s"}},
		{`["NOTICE","hi"]`, frame{kind: "NOTICE", text: "hi"}},
		{` ["AUTH","c", 5, {}] `, frame{kind: "AUTH", id: "c"}},
		{`["COUNT","s",{"count":1}]`, frame{kind: "COUNT"}},
		{`["X"]`, frame{kind: "X"}},
	}
	for _, c := range cases {
		f, err := parseFrame([]byte(c.text))
		if err != nil || f.kind != c.want.kind || f.id != c.want.id || f.ok != c.want.ok || f.text != c.want.text || string(f.body) != string(c.want.body) {
			t.Errorf("%s: %+v (%v)", c.text, f, err)
		}
	}
	for _, text := range []string{``, `{}`, `[5]`, `["EVENT","s"]`, `["OK","e"]`, `["OK","e",1]`, `["OK",5,true]`, `["EOSE"]`, `["EOSE",null]`, `["NOTICE",5]`, `["EOSE","s"] x`, "[\"EOSE\",\"\xff\"]", `["AUTH","\ud800"]`} {
		if f, err := parseFrame([]byte(text)); err == nil {
			t.Errorf("%s was read as %+v", text, f)
		}
	}
}

func TestFramesToRelaysAreJSON(t *testing.T) {
	f := nip46.Filter{Kind: 24133, P: nostr.PubKey{1}, Since: 5}
	want := `["REQ","sub",{"kinds":[24133],"#p":["01` + strings.Repeat("0", 62) + `"],"since":5}]`
	if got := string(reqFrame("sub", f)); got != want {
		t.Errorf("%s", got)
	}
	f.Author = nostr.PubKey{2}
	want = `["REQ","sub",{"kinds":[24133],"authors":["02` + strings.Repeat("0", 62) + `"],"since":5}]`
	if got := string(reqFrame("sub", f)); got != want {
		t.Errorf("%s", got)
	}
	for _, b := range [][]byte{reqFrame("sub", f), closeFrame("sub"), eventFrame("EVENT", &nostr.Event{Content: "\"\x01"})} {
		if !json.Valid(b) {
			t.Errorf("%s is no JSON", b)
		}
	}
}

func FuzzClientFrame(f *testing.F) {
	for _, s := range []string{`["EVENT","s",{"id":"x"}]`, `["OK","e",false,"x"]`, `["CLOSED","s"]`, `["AUTH","c"]`, `["NOTICE","\ud800"]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseFrame(b)
		if err != nil {
			return
		}
		if got.kind == "EVENT" && len(got.body) == 0 {
			t.Fatalf("%q has no event", b)
		}
	})
}
