package vault

import (
	"strconv"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// The floor below every policy: the rows that security.md section 2 marks
// "never". No grant, policy, admin or setting reaches it.
//
//	24133                  never by sign_event
//	24134                  never if p is ours, the key is an admin here, or it is not
//	                       the certificate of section 4, which must be asked; so no
//	                       app gets the signature over a command of its point 6
//	27235                  never for our hosts; one u, one method; within 60 s
//	22242                  never for our relays; one relay, one challenge; within 10 min
//	24242                  one expiration, at most 1 h ahead
//	13, 4                  never if p is ours
//	nip04/nip44            never if the peer is ours; npub login: or a client of ours;
//	                       npub login: never a text shaped like a NIP-46 message
//
// "Ours" are the keys that envelopes are opened with: signer, admin and audit
// keys, and user keys with npub login. A key's own pubkey is no peer of that
// kind: what it keeps for itself (lists, drafts) is encrypted to itself, and no
// envelope is, unless it is a client here, which is refused.
//
// For a key whose npub is an admin here, the table's extra row adds 24134; its
// other parts hold for every key.

const (
	// MaxHTTPAuthAge is how far created_at of an HTTP login may be from now.
	MaxHTTPAuthAge = 60 * time.Second
	// MaxRelayAuthAge is how far created_at of a relay login may be from now.
	MaxRelayAuthAge = 10 * time.Minute
	// MaxBlossomLife is how far ahead an upload's permission may reach.
	MaxBlossomLife = time.Hour
)

// Floor is who asks, and what the floor must know of the bunker around. The zero
// value refuses everything.
type Floor struct {
	Tenant     bunker.TenantID
	Connection bunker.ConnectionID
	Client     nostr.PubKey // of the connection
	// NpubLogin and AdminHere are the key's, as the store has them now.
	NpubLogin, AdminHere bool
	// Ours reports the pubkeys of the bunker's own keys and of user keys with npub
	// login, whether loaded here or not.
	Ours func(nostr.PubKey) bool
	// Clients reports the pubkeys of clients of this bunker, whatever the state of
	// their connection. Needed for keys with npub login only.
	Clients func(nostr.PubKey) bool
	// OurHosts and OurRelays return this bunker's own addresses: host, host:port or
	// URL. One without a port stands for all ports.
	OurHosts, OurRelays func() []string
	Now                 time.Time
}

// Check tells whether the floor would refuse: a template to be signed, or, when
// tmpl is nil, encrypting to and decrypting from peer. It does nothing, so that
// what is never allowed is not asked either. (A text shaped like a NIP-46
// message shows only when it is worked on.)
func (v *Vault) Check(f Floor, key *bunker.UserKey, tmpl *nostr.Template, peer nostr.PubKey) error {
	s := subject{key.PubKey, key.NpubLogin || f.NpubLogin, key.AdminHere || f.AdminHere}
	if tmpl != nil {
		return v.checkEvent(&f, s, tmpl)
	}
	return v.checkPeer(&f, s, peer)
}

// never is a refusal that nobody can lift.
func never(format string, args ...any) error {
	return bunker.Errorf(bunker.CodeBlocked, format, args...).WithCause(ErrNever)
}

// unfit is a refusal of a form that the app can put right.
func unfit(format string, args ...any) error {
	return bunker.Errorf(bunker.CodeRestricted, format, args...).WithCause(ErrNever)
}

func (f *Floor) complete() error {
	if f.Ours == nil || f.OurHosts == nil || f.OurRelays == nil || f.Now.IsZero() {
		return bunker.Errorf(bunker.CodeError, "the bunker could not check this against its own keys and addresses").WithCause(ErrNever)
	}
	return nil
}

// ours reports a key that envelopes are opened with.
func (v *Vault) ours(f *Floor, p nostr.PubKey) bool {
	if f.Ours(p) {
		return true
	}
	t, err := v.tenant(f.Tenant)
	if err != nil {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if _, ours := t.services[p]; ours {
		return true
	}
	u := t.users[t.pubs[p]]
	return u != nil && u.npubLogin
}

// checkEvent is the floor for sign_event.
func (v *Vault) checkEvent(f *Floor, s subject, t *nostr.Template) error {
	if err := f.complete(); err != nil {
		return err
	}
	if t == nil || t.HasPubKey && t.PubKey != s.pub {
		return bunker.Errorf(bunker.CodeInvalid, "the event names another pubkey than the key that shall sign it")
	}
	switch t.Kind {
	case kindEnvelope:
		return never("events of kind 24133 speak as the bunker or as an app; they are never signed for an app")
	case kindAdmin:
		return v.checkAdminLogin(f, s, t)
	case kindHTTP:
		return checkHTTPAuth(f, t)
	case kindAuth:
		return checkRelayAuth(f, t)
	case kindBlossom:
		return checkBlossom(f, t)
	case kindSeal, kindDM:
		if p, ok := v.ourTag(f, t.Tags, &s.pub); ok {
			return never("%s is a key of the bunker itself; messages to it are never signed", p)
		}
	}
	return nil
}

// ourTag returns the first p tag that is ours; except is left out of it.
func (v *Vault) ourTag(f *Floor, tags nostr.Tags, except *nostr.PubKey) (nostr.PubKey, bool) {
	for _, tag := range tags {
		if tag.Name() != "p" {
			continue
		}
		p, err := nostr.ParsePubKey(strings.TrimSpace(tag.Value()))
		if err == nil && (except == nil || p != *except) && v.ours(f, p) {
			return p, true
		}
	}
	return nostr.PubKey{}, false
}

// checkAdminLogin lets the certificate of a login to another bunker pass, and nothing else
// of kind 24134 (security.md sections 2 and 4): the signature over a dangerous command is
// asked of who ordered it, where the key itself is, and no app stands between.
func (v *Vault) checkAdminLogin(f *Floor, s subject, t *nostr.Template) error {
	if s.adminHere {
		return never("this account is an administrator of this bunker; it cannot log in to a bunker through it")
	}
	if p, ok := v.ourTag(f, t.Tags, nil); ok {
		return never("%s is this bunker's own key; nobody logs in to a bunker through itself", p)
	}
	if !isCertificate(t) {
		return never("events of kind 24134 control bunkers; a login to another bunker is all that can be signed for an app. Give the command in that bunker's terminal, or with the key itself")
	}
	return nil
}

// What a certificate says (security.md section 4): "Log in to nsecBunker … as
// administrator, from …. Never sign this for any other page."
const (
	certificateStart  = "Log in to nsecBunker "
	certificateMiddle = " as administrator, from "
	certificateEnd    = ". Never sign this for any other page."
	maxCertificate    = 1024 // bytes of its content, and of its origin
)

// isCertificate checks the shape: the tags p, session, challenge (32 bytes in
// lower-case hex each) and origin, in this order and no others, and the words.
func isCertificate(t *nostr.Template) bool {
	names := [...]string{"p", "session", "challenge", "origin"}
	if len(t.Tags) != len(names) {
		return false
	}
	for i, tag := range t.Tags {
		if len(tag) != 2 || tag[0] != names[i] {
			return false
		}
		if i < 3 && !isHex32(tag[1]) {
			return false
		}
	}
	origin := t.Tags[3][1]
	middle := strings.Index(t.Content, certificateMiddle)
	return origin != "" && len(origin) <= maxCertificate && len(t.Content) <= maxCertificate &&
		strings.HasPrefix(t.Content, certificateStart) && middle >= len(certificateStart) &&
		strings.HasSuffix(t.Content, certificateEnd)
}

func isHex32(s string) bool {
	p, err := nostr.ParsePubKey(s)
	return err == nil && p.String() == s
}

// only returns the value of the only tag of that name.
func only(tags nostr.Tags, name string) (string, bool) {
	if tags.Count(name) != 1 {
		return "", false
	}
	s := tags.Find(name).Value()
	return s, s != ""
}

// near reports whether created_at is at most d from now.
func near(f *Floor, t *nostr.Template, d time.Duration) bool {
	away := t.CreatedAt - f.Now.Unix()
	return away <= int64(d/time.Second) && away >= -int64(d/time.Second)
}

// checkHTTPAuth is the row of kind 27235 (NIP-98).
func checkHTTPAuth(f *Floor, t *nostr.Template) error {
	u, okURL := only(t.Tags, "u")
	_, okMethod := only(t.Tags, "method")
	if !okURL || !okMethod {
		return unfit("an HTTP login (kind 27235) needs exactly one u and one method tag")
	}
	if !near(f, t, MaxHTTPAuthAge) {
		return unfit("an HTTP login (kind 27235) must be dated within 60 seconds of now; check the clock of the app's device")
	}
	at, ok := parseAddress(u, "http", "https")
	if !ok {
		return unfit("the u tag of this HTTP login is not a plain http or https address")
	}
	if at.among(f.OurHosts()) {
		return never("%s is this bunker itself; nobody logs in to it through it", at.host)
	}
	return nil
}

// checkRelayAuth is the row of kind 22242 (NIP-42).
func checkRelayAuth(f *Floor, t *nostr.Template) error {
	u, okRelay := only(t.Tags, "relay")
	_, okChallenge := only(t.Tags, "challenge")
	if !okRelay || !okChallenge {
		return unfit("a relay login (kind 22242) needs exactly one relay and one challenge tag")
	}
	if !near(f, t, MaxRelayAuthAge) {
		return unfit("a relay login (kind 22242) must be dated within 10 minutes of now; check the clock of the app's device")
	}
	at, ok := parseAddress(u, "ws", "wss")
	if !ok {
		return unfit("the relay tag of this relay login is not a plain ws or wss address")
	}
	if at.among(f.OurRelays()) {
		return never("%s is this bunker's own relay; accounts never log in to it", at.host)
	}
	return nil
}

// checkBlossom is the floor's part of kind 24242 (BUD-01): its end.
func checkBlossom(f *Floor, t *nostr.Template) error {
	s, ok := only(t.Tags, "expiration")
	n, err := strconv.ParseInt(s, 10, 64)
	if !ok || err != nil {
		return unfit("a permission for files (kind 24242) needs exactly one expiration tag, in seconds")
	}
	if n > f.Now.Unix()+int64(MaxBlossomLife/time.Second) {
		return unfit("a permission for files (kind 24242) may last for one hour at most")
	}
	return nil
}

// checkPeer is the floor for encrypting to and decrypting from peer.
func (v *Vault) checkPeer(f *Floor, s subject, peer nostr.PubKey) error {
	if err := f.complete(); err != nil {
		return err
	}
	if peer != s.pub && v.ours(f, peer) {
		return never("%s is a key of the bunker itself; nothing is encrypted to it or decrypted from it", peer)
	}
	if !s.npubLogin {
		return nil
	}
	if f.Clients == nil {
		return bunker.Errorf(bunker.CodeError, "the bunker could not check this against its own apps").WithCause(ErrNever)
	}
	if peer == f.Client || f.Clients(peer) {
		return never("%s is an app of this bunker; nothing is encrypted to it or decrypted from it", peer)
	}
	return nil
}

// checkText refuses texts that could be a NIP-46 message, where the key itself
// hears apps: neither may one be made, nor one that was overheard be read. The
// row names NIP-44; the envelopes of old apps are NIP-04, so it holds for both.
func checkText(s subject, text []byte) error {
	if s.npubLogin && looksLikeMessage(text) {
		return never("the text looks like a message between an app and the bunker; this key answers apps under its own npub, so it is not worked on")
	}
	return nil
}
