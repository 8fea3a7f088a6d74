package admin

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

const (
	// MaxTarget is the longest address of a channel, in bytes.
	MaxTarget = 2048
	// MaxMailAddress is the longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3).
	MaxMailAddress = 254
	// MaxAfter is the longest that a channel lets questions wait: a day, after which
	// most are past their time.
	MaxAfter = 24 * time.Hour
	// MaxDMRelays is how many relays one channel of direct messages has.
	MaxDMRelays = 8
)

// checkTarget checks where a channel leads, and that nothing is given that its
// kind does not have.
func (t *Table) checkTarget(c *bunker.Channel, p *notifyAddParams) error {
	s := &c.Settings
	if len(s.Target) > MaxTarget {
		return bunker.Errorf(bunker.CodeInvalid, "target is longer than %d bytes", MaxTarget).In("target")
	}
	if err := foreignOptions(c.Kind, p); err != nil {
		return err
	}
	switch c.Kind {
	case bunker.ChannelNtfy, bunker.ChannelWebhook:
		return checkURL(c.Kind, s.Target, c.Kind == bunker.ChannelNtfy)
	case bunker.ChannelMail:
		return checkMail(s)
	case bunker.ChannelPush:
		return checkPush(s, p)
	case bunker.ChannelNostr:
		return t.checkNostr(s)
	}
	return bunker.Errorf(bunker.CodeInvalid, "kind is nostr, ntfy, webhook, mail or push").In("kind")
}

// foreignOptions refuses what belongs to another kind of channel, rather than
// drop it in silence.
func foreignOptions(kind bunker.ChannelKind, p *notifyAddParams) error {
	for _, o := range []struct {
		given bool
		name  string
		of    []bunker.ChannelKind
	}{
		{len(p.Relays) > 0, "relays", []bunker.ChannelKind{bunker.ChannelNostr}},
		{p.Legacy, "legacy", []bunker.ChannelKind{bunker.ChannelNostr}},
		{p.Server != "", "server", []bunker.ChannelKind{bunker.ChannelMail}},
		{p.TLS != "", "tls", []bunker.ChannelKind{bunker.ChannelMail}},
		{p.From != "", "from", []bunker.ChannelKind{bunker.ChannelMail}},
		{p.User != "", "user", []bunker.ChannelKind{bunker.ChannelMail}},
		{p.P256dh != "", "p256dh", []bunker.ChannelKind{bunker.ChannelPush}},
		{len(p.Secret) > 0, "secret", []bunker.ChannelKind{bunker.ChannelNtfy, bunker.ChannelWebhook, bunker.ChannelMail, bunker.ChannelPush}},
	} {
		if o.given && !slices.Contains(o.of, kind) {
			return bunker.Errorf(bunker.CodeInvalid, "%s is of no use to a channel of kind %s", o.name, clip(string(kind))).In(o.name)
		}
	}
	return nil
}

func checkURL(kind bunker.ChannelKind, target string, path bool) error {
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return bunker.Errorf(bunker.CodeInvalid, "the address of a channel of kind %s is a URL that begins with https://", kind).In("target")
	case u.User != nil:
		return bunker.Errorf(bunker.CodeInvalid, "leave name and password out of the URL; a token or a signing secret is given as secret").In("target")
	case u.Fragment != "":
		return bunker.Errorf(bunker.CodeInvalid, "a part after # is never sent; leave it out").In("target")
	case path && strings.Trim(u.Path, "/") == "":
		return bunker.Errorf(bunker.CodeInvalid, "the topic is missing; write for example https://ntfy.sh/a-long-random-name").In("target")
	}
	return nil
}

func checkMail(s *bunker.ChannelSettings) error {
	if s.From == "" {
		s.From = s.Target
	}
	if s.TLS == "" {
		s.TLS = "starttls"
	}
	if err := mailAddress("target", s.Target); err != nil {
		return err
	}
	if err := mailAddress("from", s.From); err != nil {
		return err
	}
	if s.TLS != "starttls" && s.TLS != "tls" {
		return bunker.Errorf(bunker.CodeInvalid, "tls is starttls or tls; without either a password would go in the clear").In("tls")
	}
	host, port, err := splitServer(s.Server)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "server is host:port, for example smtp.example.org:587").In("server")
	}
	s.Server = host + ":" + port
	if strings.Contains(host, ":") {
		s.Server = "[" + host + "]:" + port
	}
	if strings.ContainsAny(s.User, "\r\n\x00") || len(s.User) > MaxMailAddress {
		return bunker.Errorf(bunker.CodeInvalid, "user cannot be a name to log in with").In("user")
	}
	return nil
}

// splitServer takes host:port apart; a literal of IPv6 is in brackets.
func splitServer(server string) (host, port string, err error) {
	i := strings.LastIndexByte(server, ':')
	if i < 0 {
		return "", "", errors.New("no port")
	}
	host, port = server[:i], server[i+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", errors.New("no port")
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", "", errors.New("no address")
		}
		return host, port, nil
	}
	if host == "" || len(host) > 253 || strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) {
		return "", "", errors.New("no host")
	}
	return host, port, nil
}

// mailAddress takes plain addresses only: no name, no comment, no quotes.
func mailAddress(field, s string) error {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > MaxMailAddress || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>[],;:\\\"", r)
	}) || strings.Count(s, "@") != 1 {
		return bunker.Errorf(bunker.CodeInvalid, "%q is no e-mail address; write for example ops@example.org", clip(s)).In(field)
	}
	return nil
}

func checkPush(s *bunker.ChannelSettings, p *notifyAddParams) error {
	u, err := url.Parse(s.Target)
	if err != nil || u.Host == "" || u.Scheme != "https" || u.User != nil {
		return bunker.Errorf(bunker.CodeInvalid, "the endpoint of a push subscription is a URL that begins with https://").In("target")
	}
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s.P256dh, "="))
	if err != nil || len(key) != 65 || key[0] != 4 {
		return bunker.Errorf(bunker.CodeInvalid, "p256dh is the subscription's public key: 65 bytes in base64url").In("p256dh")
	}
	auth, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(string(p.Secret), "="))
	if err != nil || len(auth) != 16 {
		return bunker.Errorf(bunker.CodeInvalid, "secret is the subscription's auth: 16 bytes in base64url").In("secret")
	}
	s.P256dh = base64.RawURLEncoding.EncodeToString(key)
	return nil
}

func (t *Table) checkNostr(s *bunker.ChannelSettings) error {
	pub, err := nip19.ParsePublicKey(s.Target)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%q is no npub", clip(s.Target)).In("target").WithCause(err)
	}
	s.Target = pub.String()
	if s.Relays, err = t.relayURLs("relays", s.Relays); err != nil {
		return err
	}
	if len(s.Relays) > MaxDMRelays {
		return bunker.Errorf(bunker.CodeInvalid, "at most %d relays for direct messages", MaxDMRelays).In("relays")
	}
	if len(s.Relays) == 0 && !t.foreignRelay() {
		return bunker.Errorf(bunker.CodeConflict, "there is no relay that direct messages could go by").In("relays").
			WithHint("give relays, or add one for everything: nsecbunker relay add wss://…")
	}
	return nil
}

// foreignRelay reports whether apps use a relay besides the bunker's own, which
// carries no direct messages.
func (t *Table) foreignRelay() bool {
	own := map[string]bool{}
	for _, h := range t.Around.RelayHealth() {
		own[h.URL] = h.State == Embedded
	}
	return slices.ContainsFunc(t.Around.AppRelays(), func(u string) bool { return !own[u] })
}

// applyOptions changes what is given of the options.
func applyOptions(c *bunker.Channel, o *channelOptions) error {
	s := &c.Settings
	if o.Classes != nil {
		s.Classes = nil
		for _, text := range o.Classes {
			class := bunker.NoticeClass(text)
			if class != bunker.ClassQuestions && class != bunker.ClassAnswers && class != bunker.ClassAlarms {
				return bunker.Errorf(bunker.CodeInvalid, "classes are questions, answers and alarms").In("classes")
			}
			if !s.Hears(class) {
				s.Classes = append(s.Classes, class)
			}
		}
		if len(s.Classes) == 0 {
			return bunker.Errorf(bunker.CodeInvalid, "a channel that hears of nothing is none; remove it").In("classes")
		}
	}
	if err := applyTimes(s, o); err != nil {
		return err
	}
	for _, f := range []struct {
		given *bool
		to    *bool
	}{{o.Details, &s.Details}, {o.QuietAlarms, &s.QuietAlarms}, {o.Answers, &s.Answers}} {
		if f.given != nil {
			*f.to = *f.given
		}
	}
	if s.Answers && c.Kind != bunker.ChannelNostr {
		return bunker.Errorf(bunker.CodeInvalid, "only direct messages can be answered").In("answers")
	}
	return nil
}

func applyTimes(s *bunker.ChannelSettings, o *channelOptions) error {
	if o.After != nil {
		var span Span
		if err := span.UnmarshalText([]byte(*o.After)); err != nil {
			if *o.After != "0" {
				return bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In("after")
			}
		}
		if time.Duration(span) > MaxAfter {
			return bunker.Errorf(bunker.CodeInvalid, "questions can wait at most %s before a channel hears of them", MaxAfter).In("after")
		}
		s.After = time.Duration(span).Milliseconds()
	}
	if o.Quiet != nil {
		s.Quiet = *o.Quiet
	}
	if o.Zone != nil {
		s.Zone = *o.Zone
	}
	if s.Quiet == "" {
		if s.Zone != "" && o.Zone != nil && *o.Zone != "" {
			return bunker.Errorf(bunker.CodeInvalid, "zone goes with quiet").In("zone")
		}
		s.Zone = ""
		return nil
	}
	_, err := bunker.ParseQuiet(s.Quiet, s.Zone)
	return err
}

// shownTarget is where a channel leads, as far as it is no secret: who knows the
// topic of an ntfy server, the path of a webhook or the endpoint of a browser can
// write there, and often read.
func shownTarget(c *bunker.Channel) string {
	switch c.Kind {
	case bunker.ChannelNtfy, bunker.ChannelWebhook, bunker.ChannelPush:
		u, err := url.Parse(c.Settings.Target)
		if err != nil {
			return ""
		}
		return bunker.Display(u.Scheme+"://"+u.Host+"/…", MaxShown)
	case bunker.ChannelNostr:
		if pub, err := nostr.ParsePubKey(c.Settings.Target); err == nil {
			return nip19.EncodeNpub(pub)
		}
	}
	return bunker.Display(c.Settings.Target, MaxShown)
}

func (t *Table) channelWarnings(c *bunker.Channel) []string {
	var out []string
	warn := func(on bool, words string) {
		if on {
			out = append(out, words)
		}
	}
	s := &c.Settings
	warn(c.Kind == bunker.ChannelNtfy && len(c.Secret) == 0, "who knows the topic can read it and write to it: choose a long random name, or a server with access tokens")
	warn(strings.HasPrefix(s.Target, "http://"), "the address is not https: who is on the way can read and change what goes there")
	warn(s.Details, "with details, whoever can read this channel learns the names of your apps and keys")
	warn(s.Legacy, "kind 4 hides the text and nothing else: relays see who writes to whom, and when")
	warn(s.Answers && !s.Details, "messages do not say what is asked; a yes allows what you cannot see in them. Say yes only to what you have just asked for yourself, or turn details on")
	return out
}

func isTampered(err error) bool { return errors.Is(err, bunker.ErrTampered) }
