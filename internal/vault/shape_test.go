package vault

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"nsecbunker/nostr/nip46"
)

func TestTextsThatCouldBeMessagesAreRecognised(t *testing.T) {
	for _, s := range []string{
		`{"id":"1","method":"ping","params":[]}`, `{"method":"ping","params":[]}`, `{"id":"1","method":"ping"}`,
		`{"id":"1","result":"ack"}`, `{"id":"1","error":"no"}`, `{"result":"error","error":"x","id":"1"}`, `{"id":null,"result":null}`,
		" \t\r\n{\n \"id\" : 1 , \"method\" : 2 }", "\ufeff{\"id\":1,\"result\":2}", "\x00{\"id\":1,\"result\":2}", "\u00a0\u200b{\"id\":1,\"result\":2}",
		`{"\u0069d":1,"m\u0065thod":2}`, `{"ID":1,"Method":2}`, `{"Id":1,"reſult":2}`, `{"id":1,"id":2,"result":3}`, `{"id":1,"result":2}trailing`, `{"id":1,"result":2`,
		`{"id":1,"result":`, `{"id":1e999,"method":"x"}`, `{"a":"\"{","id":1,"method":2}`, `{"a":{"b":[1,{"c":"}"}]},"id":1,"result":2}`,
		`{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"id":1,"method":2}`,
		`{'x':1,"id":1,"method":2}`, `{"id":1,,"method":2}`, `{"a":"\q","id":1,"method":2}`,
	} {
		if !looksLikeMessage([]byte(s)) {
			t.Errorf("%.80q was not recognised", s)
		}
	}
	for _, s := range []string{
		"", "{", "}", "hello", `{"id":"1"}`, `{"method":"ping"}`, `{"result":"x"}`, `{"params":[]}`, `["id","method"]`, `[{"id":1,"method":2}]`, `"id method"`,
		`{"a":{"id":1,"method":2}}`, `{"a":["id","method"]}`, `{"a":"id","b":"method"}`, `{"id":1}{"method":2}`, `{"text":"{\"id\":1,\"method\":2}"}`,
		`{"id":1,"kind":1,"pubkey":"x","content":"method","tags":[["method","x"]],"created_at":1}`, `x{"id":1,"method":2}`, `{"methods":1,"ids":2}`,
		`{"` + strings.Repeat("i", 100) + `d":1,"method":2}`,
	} {
		if looksLikeMessage([]byte(s)) {
			t.Errorf("%.80q was taken for a message", s)
		}
	}
}

// FuzzMessageShape: whatever the protocol's own reader, or a reader of JSON that
// is not strict, takes for a message is recognised.
func FuzzMessageShape(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","method":"ping","params":[]}`, `{"id":"1","result":"ack"}`, ` {"\u0069d":"1","error":"x"}`, `{"id":"1","method":"connect","params":null}`, `{"a":[{"id":1}],"result":1}`, "{",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		looks := looksLikeMessage(b)
		_, err := nip46.ParseRequest(b)
		var bad *nip46.MalformedError
		if err == nil && !looks {
			t.Fatalf("%q is a request", b)
		}
		if errors.As(err, &bad) && bad.HasID && bad.Method != "" && !looks {
			t.Fatalf("%q is answered as a request", b)
		}
		var m map[string]any
		if json.Unmarshal(b, &m) != nil {
			return
		}
		_, id := m["id"]
		_, method := m["method"]
		_, result := m["result"]
		_, fault := m["error"]
		if id && (method || result || fault) && !looks && !hasLongKey(m) {
			t.Fatalf("%q is a message", b)
		}
	})
}

// hasLongKey: keys beyond maxKeyText are not ours, whatever they unescape to.
func hasLongKey(m map[string]any) bool {
	for k := range m {
		if len(k) > maxKeyText-2 {
			return true
		}
	}
	return false
}
