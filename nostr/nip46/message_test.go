package nip46

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestRequestsOfRealLibrariesAreRead(t *testing.T) {
	cases := []struct {
		name, text string
		want       Request
	}{
		{"spec", `{"id":"1","method":"sign_event","params":["{\"kind\":1}"]}`, Request{"1", SignEvent, []string{`{"kind":1}`}}},
		{"welshman's switch_relays", `{"id":"x","method":"switch_relays","params":null}`, Request{"x", SwitchRelays, nil}},
		{"no params", `{"method":"ping","id":"7"}`, Request{"7", Ping, nil}},
		{"undefined in JavaScript", `{"id":"1","method":"connect","params":["",null,"sign_event:1"]}`, Request{"1", Connect, []string{"", "", "sign_event:1"}}},
		{"unknown keys", `{"jsonrpc":"2.0","id":"1","extra":{"a":[1,{}]},"method":"describe","params":[]}`, Request{"1", "describe", nil}},
		{"escapes", `{"\u0069d":"\u0031","method":"ping","params":["\ud83d\ude00\n"]}`, Request{"1", Ping, []string{"😀\n"}}},
		{"empty id", `{"id":"","method":"ping"}`, Request{"", Ping, nil}},
	}
	for _, c := range cases {
		got, err := ParseRequest([]byte(c.text))
		if err != nil || got.ID != c.want.ID || got.Method != c.want.Method || !slices.Equal(got.Params, c.want.Params) {
			t.Errorf("%s: got %+v %q (%v)", c.name, got, got.Params, err)
		}
	}
}

func TestMessagesWithoutAMethodAreNoRequests(t *testing.T) {
	for _, text := range []string{`{"id":"1","result":"ack","error":""}`, `{}`, `{"id":"1","method":null}`, `{"id":"1","method":""}`, `{"id":1,"params":{}}`} {
		if _, err := ParseRequest([]byte(text)); !errors.Is(err, ErrNoMethod) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMalformedRequestsAreRefusedUnderTheirID(t *testing.T) {
	long := strings.Repeat("a", MaxRequestID+1)
	cases := []struct{ name, text, id, words string }{
		{"event as object", `{"id":"1","method":"sign_event","params":[{"kind":1}]}`, "1", "sign_event: parameter 1 must be a string, not an object; send it as JSON text"},
		{"id last", `{"params":["a",5],"method":"nip44_encrypt","id":"1"}`, "1", "nip44_encrypt: parameter 2 must be a string, not a number"},
		{"params an object", `{"id":"1","method":"ping","params":{"a":1}}`, "1", "params must be an array of strings, not an object"},
		{"params a string", `{"id":"1","method":"ping","params":"x"}`, "1", "not a string"},
		{"nested array", `{"id":"1","method":"ping","params":[["x"]]}`, "1", "parameter 1 must be a string, not an array"},
		{"boolean", `{"id":"1","method":"ping","params":["",true]}`, "1", "parameter 2"},
		{"lone surrogate", `{"id":"1","method":"sign_event","params":["\ud800"]}`, "1", "parameter 1 has a lone surrogate"},
		{"method a number", `{"method":5,"id":"1"}`, "1", "the method must be a string"},
		{"long method", `{"id":"1","method":"` + strings.Repeat("m", MaxMethod+1) + `"}`, "1", "method's name is longer"},
		{"many params", `{"id":"1","method":"ping","params":[` + strings.Repeat(`"",`, MaxParams) + `""]}`, "1", "more than 16 parameters"},
		{"duplicate params", `{"id":"1","method":"ping","params":[],"params":["x"]}`, "1", "a key comes twice"},
		{"duplicate method", `{"id":"1","method":"ping","m\u0065thod":"logout"}`, "1", "a key comes twice"},
		{"cut", `{"id":"1","method":"ping","params":["x"`, "1", "not proper JSON"},
		{"text after", `{"id":"1","method":"ping"} {}`, "1", "after the message"},
		{"duplicate id", `{"id":"1","method":"ping","id":"2"}`, "-", "a key comes twice"},
		{"id a number", `{"id":1,"method":"ping"}`, "-", "the id must be a string"},
		{"id null", `{"id":null,"method":"ping"}`, "-", "the id must be a string"},
		{"id missing", `{"method":"ping"}`, "-", "has no id"},
		{"id too long", `{"id":"` + long + `","method":"ping"}`, "-", "longer than 256"},
		{"id lone surrogate", `{"id":"\udead","method":"ping"}`, "-", "the id has a lone surrogate"},
		{"not UTF-8", "{\"id\":\"1\",\"method\":\"ping\xff\"}", "-", "not UTF-8"},
		{"array", `["id","1"]`, "-", "an object is missing"},
		{"empty", ``, "-", "an object is missing"},
		{"garbage", `Zm9v`, "-", "an object is missing"},
	}
	for _, c := range cases {
		_, err := ParseRequest([]byte(c.text))
		var bad *MalformedError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if want := c.id != "-"; bad.HasID != want || want && bad.ID != c.id || !want && bad.ID != "" {
			t.Errorf("%s: id %q, has %v", c.name, bad.ID, bad.HasID)
		}
		if !strings.Contains(bad.Error(), c.words) || strings.HasPrefix(bad.Error(), "invalid: ") {
			t.Errorf("%s: %q does not say %q", c.name, bad, c.words)
		}
	}
}

func TestBoundsOfRequestsHoldToTheByte(t *testing.T) {
	id := strings.Repeat("i", MaxRequestID)
	if r, err := ParseRequest([]byte(`{"id":"` + id + `","method":"` + strings.Repeat("m", MaxMethod) + `","params":[` + strings.Repeat(`"",`, MaxParams-1) + `""]}`)); err != nil || r.ID != id || len(r.Params) != MaxParams {
		t.Errorf("at the bounds: %v", err)
	}
	frame := `{"id":"1","method":"ping","params":[""]}`
	fill := strings.Repeat("x", MaxMessage-len(frame))
	if _, err := ParseRequest([]byte(strings.Replace(frame, `""`, `"`+fill+`"`, 1))); err != nil {
		t.Errorf("a message of %d bytes: %v", MaxMessage, err)
	}
	if _, err := ParseRequest([]byte(strings.Replace(frame, `""`, `"`+fill+`x"`, 1))); err == nil {
		t.Errorf("a message of %d bytes was read", MaxMessage+1)
	}
}

func TestRepliesHaveTheOneShapeThatEveryLibraryReads(t *testing.T) {
	cases := []struct {
		reply Reply
		want  string
	}{
		{Success("1", "ack"), `{"id":"1","result":"ack"}`},
		{Success("1", ""), `{"id":"1","result":""}`},
		{Success("1", "null"), `{"id":"1","result":"null"}`},
		{Success("\"", "<\u2028\x01>"), "{\"id\":\"\\\"\",\"result\":\"<\u2028\\u0001>\"}"},
		{Failure("1", "restricted: no"), `{"id":"1","result":"error","error":"restricted: no"}`},
		{Failure("1", ""), `{"id":"1","result":"error","error":"error: no reason was given"}`},
		{Reply{"1", "leaked", "no"}, `{"id":"1","result":"error","error":"no"}`},
		{AuthURL("1", "https://a.example/x"), `{"id":"1","result":"auth_url","error":"https://a.example/x"}`},
		{AuthURL("1", ""), `{"id":"1","result":"error","error":"error: no reason was given"}`},
	}
	for _, c := range cases {
		if got := string(c.reply.AppendJSON(nil)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if !json.Valid(c.reply.AppendJSON(nil)) {
			t.Errorf("%s is no JSON", c.want)
		}
	}
}

func TestRepliesOfOtherBunkersAreRead(t *testing.T) {
	cases := []struct {
		text         string
		result, fail string
		auth         bool
	}{
		{`{"id":"1","result":"ack"}`, "ack", "", false},
		{`{"id":"1","result":"ack","error":null}`, "ack", "", false},
		{`{"id":"1","result":"ack","error":""}`, "ack", "", false},
		{`{"id":"1","result":null}`, "null", "", false},
		{`{"id":"1","result":["wss://a.example"]}`, `["wss://a.example"]`, "", false},
		{`{"id":"1","error":"no"}`, "", "no", false},
		{`{"id":"1","result":"error","error":"no"}`, "error", "no", false},
		{`{"id":"1","result":null,"error":{"code":-1}}`, "null", `{"code":-1}`, false},
		{`{"id":"1","result":"auth_url","error":"https://a.example"}`, "auth_url", "https://a.example", true},
		{`{"id":"1","result":"auth_url"}`, "auth_url", "", false},
	}
	for _, c := range cases {
		r, err := ParseReply([]byte(c.text))
		if err != nil || r.ID != "1" || r.Result != c.result || r.Error != c.fail || r.IsAuthURL() != c.auth || r.Failed() != (c.fail != "" && !c.auth) {
			t.Errorf("%s: %q %q (%v)", c.text, r.Result, r.Error, err)
		}
	}
	for _, text := range []string{`{"id":"1","method":"connect","params":[]}`, `{"id":"1"}`, `{"result":"x"}`} {
		if _, err := ParseReply([]byte(text)); !errors.Is(err, ErrNotReply) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{`{"id":"1","result":"a","result":"b"}`, `{"id":"1","result":"\ud800"}`, `{"id":5,"result":"a"}`, ``, `{"id":"1","result":"a"}x`,
		`{"id":"` + strings.Repeat("i", MaxRequestID+1) + `","result":"a"}`, `{"id":"1","result":"` + strings.Repeat("x", MaxMessage) + `"}`} {
		if _, err := ParseReply([]byte(text)); err == nil || errors.Is(err, ErrNotReply) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	if r, err := ParseReply([]byte(`{"id":"1","error":"` + strings.Repeat("é", MaxErrorText) + `"}`)); err != nil || len(r.Error) > MaxErrorText {
		t.Errorf("a long error text: %d bytes, %v", len(r.Error), err)
	}
}

func TestMessagesDoNotPrintWhatTheyCarry(t *testing.T) {
	const hush = "hushhush"
	uri, err := ParseBunkerURI("bunker://" + fiatjaf + "?relay=wss://r.example&secret=" + hush)
	if err != nil {
		t.Fatal(err)
	}
	connect, err := ParseNostrConnectURI("nostrconnect://" + fiatjaf + "?relay=wss://r.example&secret=" + hush)
	if err != nil {
		t.Fatal(err)
	}
	values := []any{Request{"1", Connect, []string{"", hush}}, Success("1", hush), uri, connect,
		ConnectParams{Secret: hush}, OldString{Form: FormNpubToken, PubKey: uri.Remote, Token: hush}}
	for _, v := range values {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v), log.String()} {
			if strings.Contains(text, hush) || strings.Contains(text, fmt.Sprintf("%x", hush)) {
				t.Errorf("%T prints its secret: %s", v, text)
			}
		}
	}
}

func FuzzNIP46Request(f *testing.F) {
	for _, s := range []string{`{"id":"1","method":"sign_event","params":["{\"kind\":1}"]}`, `{"id":"1","method":"ping","params":null}`,
		`{"id":"1","result":"ack","error":""}`, `{"id":"1","method":"connect","params":["",null,5,{}]}`, `{"id":"\ud800"}`, `{"id":"1","id":"2"}`,
		`{"id":"1","method":"ping","z":"\q"}`, `{"id":"1","method":"ping","z":{"\u00g0":1}}`, `{"id":"1","method":"ping","z":["\ud800\\"]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		var bad *MalformedError
		switch {
		case errors.Is(err, ErrNoMethod):
			return
		case errors.As(err, &bad):
			if len(bad.ID) > MaxRequestID || !bad.HasID && bad.ID != "" || len(bad.Method) > MaxMethod {
				t.Fatalf("the error is out of bounds: %+v", bad)
			}
			return
		case err != nil:
			t.Fatalf("an error of another type: %v", err)
		}
		if len(r.ID) > MaxRequestID || r.Method == "" || len(r.Method) > MaxMethod || len(r.Params) > MaxParams {
			t.Fatalf("out of bounds: %v", r)
		}
		again, err := ParseRequest(r.AppendJSON(nil))
		if err != nil || again.ID != r.ID || again.Method != r.Method || !slices.Equal(again.Params, r.Params) {
			t.Fatalf("%v came back as %v (%v)", r, again, err)
		}
		if !json.Valid(b) {
			t.Fatalf("taken, and no JSON: %q", b)
		}
		if _, err := ParseConnect(r); err != nil && !errors.As(err, &bad) {
			t.Fatalf("connect: an error of another type: %v", err)
		}
	})
}

func FuzzNIP46Reply(f *testing.F) {
	for _, s := range []string{`{"id":"1","result":"ack"}`, `{"id":"1","result":null,"error":{"code":1}}`, `{"id":"1","result":"auth_url","error":"https://a"}`, `{"id":"1","result":["\ud800"]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseReply(b)
		if err != nil {
			return
		}
		text := r.AppendJSON(nil)
		again, err := ParseReply(text)
		if err != nil || again.ID != r.ID || again.Failed() != r.Failed() || again.IsAuthURL() != r.IsAuthURL() || again.Error != r.Error {
			t.Fatalf("%q came back as %q (%v)", b, text, err)
		}
		if !r.Failed() && again.Result != r.Result {
			t.Fatalf("the result changed: %q, %q", r.Result, again.Result)
		}
	})
}
