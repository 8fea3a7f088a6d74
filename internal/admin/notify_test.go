package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
)

func (w *world) Test(_ context.Context, c *bunker.Channel) (string, error) {
	if strings.Contains(c.Settings.Target, "broken") {
		return "", errors.New("example.org answered 500")
	}
	return "example.org answered 200", nil
}
func (w *world) Ready(context.Context, bunker.ChannelKind) error { return nil }
func (w *world) Addresses(context.Context) (string, string, error) {
	return npubOf(9), "BPublic", nil
}

func TestChannelsAreCheckedFieldByField(t *testing.T) {
	f := setUp(t)
	hook := func(more m) m {
		p := m{"name": "ops", "kind": "webhook", "target": "https://example.org/hook"}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	mail := func(more m) m {
		p := m{"name": "ops", "kind": "mail", "target": "a@example.org", "server": "smtp.example.org:587"}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	point := base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))
	auth := base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	push := func(more m) m {
		p := m{"name": "ops", "kind": "push", "target": "https://push.example.org/x", "p256dh": point, "secret": auth}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	for field, cases := range map[string][]m{
		"name":    {hook(m{"name": ""}), hook(m{"name": "a b"}), hook(m{"name": "npub1x"})},
		"kind":    {hook(m{"kind": "pigeon"}), hook(m{"kind": ""})},
		"target":  {hook(m{"target": "ftp://x"}), hook(m{"target": "https://u:p@example.org"}), hook(m{"target": "https://example.org/#x"}), hook(m{"target": "https://" + strings.Repeat("x", 3000)}), hook(m{"kind": "ntfy", "target": "https://ntfy.sh/"}), mail(m{"target": "a@b@c"}), mail(m{"target": "a@example.org\r\nBcc: b@example.org"}), push(m{"target": "http://push.example.org"}), hook(m{"kind": "nostr", "target": "npub1x"})},
		"classes": {hook(m{"classes": []string{"everything"}})},
		"quiet":   {hook(m{"quiet": "22-7"}), hook(m{"quiet": "25:00-07:00"}), hook(m{"quiet": "22:00-22:00"})},
		"zone":    {hook(m{"quiet": "22:00-07:00", "zone": "Moon/Base"}), hook(m{"quiet": "22:00-07:00", "zone": "Local"}), hook(m{"zone": "Europe/Berlin"})},
		"after":   {hook(m{"after": "soon"}), hook(m{"after": "48h"}), hook(m{"after": "-5m"})},
		"answers": {hook(m{"answers": true})},
		"relays":  {hook(m{"relays": []string{"wss://x.com"}}), {"name": "me", "kind": "nostr", "target": npubOf(3), "relays": []string{"wss://10.0.0.1"}}},
		"legacy":  {hook(m{"legacy": true})},
		"server":  {hook(m{"server": "x:1"}), mail(m{"server": "smtp.example.org"}), mail(m{"server": "smtp.example.org:0"}), mail(m{"server": "a b:25"}), mail(m{"server": ":25"}), mail(m{"server": "[x]:25"})},
		"tls":     {mail(m{"tls": "never"})},
		"from":    {mail(m{"from": "nobody"})},
		"user":    {mail(m{"user": "a\r\nb"})},
		"p256dh":  {push(m{"p256dh": "AAAA"}), hook(m{"p256dh": point})},
		"secret":  {push(m{"secret": "AAAA"}), m{"name": "me", "kind": "nostr", "target": npubOf(3), "secret": "x"}},
	} {
		for _, p := range cases {
			_, err := f.call("notify.add", p)
			e := bunker.AsError(err)
			if err == nil || !strings.HasPrefix(e.Field, field) || e.Words == "" {
				t.Errorf("%v: got %v in %q, want a refusal of %s", p, err, e.Field, field)
			}
		}
	}
	if rows, err := f.store.Channels(t.Context(), bunker.SelfHosted); err != nil || len(rows) != 0 {
		t.Errorf("something was made of them: %v, %v", rows, err)
	}
	for _, p := range []m{hook(nil), mail(m{"name": "post", "server": "[::1]:465", "tls": "tls", "user": "u", "secret": "pw"}), push(m{"name": "browser"}), {"name": "me", "kind": "nostr", "target": npubOf(3), "answers": true, "after": "5m"}} {
		f.do("notify.add", p)
	}
}

func TestAChannelsSecretsAreShownOnceOrNever(t *testing.T) {
	f := setUp(t)
	signing := str(f.do("notify.add", m{"name": "ops", "kind": "webhook", "target": "https://example.org/a-secret-path"}), "signing_secret")
	if len(signing) != 64 {
		t.Errorf("the secret of a new webhook is %q", signing)
	}
	f.do("notify.add", m{"name": "mail", "kind": "mail", "target": "a@example.org", "server": "smtp.example.org:587", "user": "u", "secret": "a password"})
	res, err := f.Dispatch(t.Context(), owner(), "notify.list", nil)
	if err != nil {
		t.Fatal(err)
	}
	list := f.do("notify.list", nil)
	for _, leak := range []string{signing, "a password", "a-secret-path"} {
		if strings.Contains(strings.Join(strings.Fields(toText(t, list)), ""), strings.ReplaceAll(leak, " ", "")) || strings.Contains(toText(t, res), leak) {
			t.Errorf("the list holds %q", leak)
		}
		recs, err := f.store.Records(t.Context(), bunker.SelfHosted, recordsOf("notify.add"))
		if err != nil || len(recs) != 2 {
			t.Fatal(recs, err)
		}
		if strings.Contains(toText(t, recs), leak) {
			t.Errorf("the log holds %q", leak)
		}
	}
	f.refused(bunker.CodeConflict, "there is a channel ops already", "notify.add", m{"name": "ops", "kind": "webhook", "target": "https://example.org"})
}

func TestAChannelIsChangedInWhatIsGivenOnly(t *testing.T) {
	f := setUp(t)
	f.do("notify.add", m{"name": "ops", "kind": "webhook", "target": "https://example.org/x", "details": true, "quiet": "22:00-07:00", "zone": "Europe/Berlin"})
	c := get(f.do("notify.set", m{"name": "ops", "after": "10m"}), "channel")
	if get(c, "details") != true || str(c, "quiet") != "22:00-07:00" || str(c, "after") != "10m0s" || str(c, "zone") != "Europe/Berlin" {
		t.Errorf("it is %v", c)
	}
	c = get(f.do("notify.set", m{"name": "ops", "details": false, "quiet": "", "after": "0", "classes": []string{"alarms"}}), "channel")
	if get(c, "details") != false || str(c, "quiet") != "" || str(c, "after") != "" || str(c, "zone") != "" {
		t.Errorf("it is %v", c)
	}
	f.refused(bunker.CodeNotFound, "there is no channel", "notify.set", m{"name": "none", "after": "1m"})
	f.refused(bunker.CodeNotFound, "there is no channel", "notify.remove", m{"name": "none"})
	f.refused(bunker.CodeNotFound, "there is no channel", "notify.test", m{"name": "none"})
	f.refused(bunker.CodeInvalid, "no parameter", "notify.set", m{"name": "ops", "target": "https://thief.example"})
	f.do("notify.remove", m{"name": "ops"})
}

func TestChannelsAreLimited(t *testing.T) {
	f := setUp(t)
	for i := range MaxChannels {
		f.do("notify.add", m{"name": "c" + strings.Repeat("x", i+1), "kind": "webhook", "target": "https://example.org"})
	}
	f.refused(bunker.CodeConflict, "the most that there can be", "notify.add", m{"name": "more", "kind": "webhook", "target": "https://example.org"})
}

// TestWhoIsNoAdminAnyMoreIsToldNoMore by direct message, and the remover hears of browsers,
// since nothing says whose they are.
func TestWhoIsNoAdminAnyMoreIsToldNoMore(t *testing.T) {
	f := setUp(t)
	f.do("admin.add", m{"npub": npubOf(3), "role": "approver"})
	f.do("notify.add", m{"name": "his", "kind": "nostr", "target": npubOf(3)})
	f.do("notify.add", m{"name": "hers", "kind": "nostr", "target": npubOf(4)})
	f.do("notify.add", m{"name": "hook", "kind": "webhook", "target": "https://example.org/x"})
	point := base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))
	auth := base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	f.do("notify.add", m{"name": "phone", "kind": "push", "target": "https://push.example.org/x", "p256dh": point, "secret": auth})
	words := fmt.Sprint(f.do("admin.remove", m{"npub": npubOf(3)})["warnings"])
	if !strings.Contains(words, "end, too: his") || !strings.Contains(words, "told on, and one may be of this person: phone") {
		t.Errorf("the remover hears %s", words)
	}
	var left []string
	for _, c := range f.do("notify.list", nil)["channels"].([]any) {
		left = append(left, c.(map[string]any)["name"].(string))
	}
	if got := strings.Join(left, " "); got != "hers hook phone" {
		t.Errorf("left are %s", got)
	}
}

// TestADirectMessageCanOnlyRefuseOrAllowOnce, whatever it asks for (security.md
// section 5, DM answers).
func TestADirectMessageCanOnlyRefuseOrAllowOnce(t *testing.T) {
	f := setUp(t)
	by := bunker.Principal{Name: npubOf(1), Role: bunker.Approver, Door: bunker.DoorDM}
	digest := strings.Repeat("00", 32)
	q := string(f.ask(f.connected("sign_event:1"), 3, "hello").ID)
	for _, p := range []m{
		{"id": q},
		{"id": q, "digest": digest, "scope": "kind"},
		{"id": q, "digest": digest, "scope": "all"},
		{"id": q, "digest": digest, "for": "1h"},
		{"id": q, "digest": digest, "name": "x"},
		{"id": q, "digest": digest, "perms": "all"},
		{"id": q, "digest": digest, "deny": true, "never": true},
	} {
		if _, err := f.callAs(by, "approval.answer", p); bunker.AsError(err).Code != bunker.CodeRestricted {
			t.Errorf("%v: %v", p, err)
		}
	}
	if _, err := f.callAs(by, "approval.answer", m{"id": "q", "digest": digest}); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("once: %v", err)
	}
	for _, c := range f.Commands() {
		for _, d := range c.Doors {
			if d == bunker.DoorDM && c.Name != "approval.answer" {
				t.Errorf("%s can be called by direct message", c.Name)
			}
		}
	}
}

func toText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func recordsOf(action string) store.RecordFilter { return store.RecordFilter{Action: action} }
