package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip46"
)

// relayTestTimeout is how long a relay may take to pair the bunker with itself.
const relayTestTimeout = 20 * time.Second

type setupParams struct {
	Passphrase secret.Param `json:"passphrase"`
	Admins     []setupAdmin `json:"admins,omitempty"`
	Relays     []string     `json:"relays,omitempty"`
	Code       secret.Param `json:"code,omitempty"`
}

type setupAdmin struct {
	Npub string `json:"npub"`
}

type setupAnswer struct {
	ConnectionString string   `json:"connection_string"`
	Relays           []string `json:"relays"`
	Warnings         []string `json:"warnings"`
}

func setupAdmins(npubs []string) []setupAdmin {
	out := make([]setupAdmin, 0, len(npubs))
	for _, n := range npubs {
		out = append(out, setupAdmin{n})
	}
	return out
}

// reread turns a result of this process into our view of it.
func reread(answer, result any) error {
	b, err := json.Marshal(answer)
	if err != nil {
		return unreadable(err)
	}
	if err := json.Unmarshal(b, result); err != nil {
		return unreadable(err)
	}
	return nil
}

// setUpAlone sets the bunker up without questions.
func (s *starting) setUpAlone(ctx context.Context, passphrase secret.Param) error {
	if err := seal.CheckPassphrase(passphrase); err != nil {
		return err
	}
	for _, u := range s.relays {
		if err := s.testRelay(ctx, u); err != nil {
			s.log.Warn("a relay did not pass its test; it is used all the same", "relay", u, "error", words(err))
		}
	}
	var done setupAnswer
	if err := s.dispatch(ctx, "setup", setupParams{Passphrase: passphrase, Admins: setupAdmins(s.admins), Relays: s.relays}, &done); err != nil {
		return err
	}
	return s.setUpDone(done, false)
}

func (s *starting) testRelay(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, relayTestTimeout)
	defer cancel()
	return s.s.TestRelay(ctx, url)
}

// connectionStringWords stand before the connection string.
const connectionStringWords = "Admins reach it from other machines, by the admin app or nsecbunker --remote.\nKeep the connection string (no secret) for it:"

// homeWords stand in the place of a connection string that would lead nowhere.
const homeWords = "It works on this machine only, for now. To reach it from others, add a relay:\n  nsecbunker relay add wss://relay.example.com\nThen nsecbunker status shows the connection string, by which admins find it."

// atHome reports a bunker that cannot be reached from another machine.
func (s *starting) atHome(done setupAnswer) bool {
	elsewhere := slices.ContainsFunc(done.Relays, func(u string) bool { return !loopback(u) })
	return !elsewhere && !isPublic(bestPage(s.s.AdminPages(), false))
}

// setUpDone tells where the bunker is found, and what to do next. asked: a person
// sits there, who knows what was answered and can scan a code.
func (s *starting) setUpDone(done setupAnswer, asked bool) error {
	if s.asJSON {
		s.log.Info("set up", "connection_string", done.ConnectionString, "admin_pages", s.s.AdminPages())
		return nil
	}
	if !asked {
		for _, w := range done.Warnings {
			s.say("note: %s", shown(w, maxShownError))
		}
	}
	if asked && s.atHome(done) {
		s.say("\nThe bunker is set up and runs.\n" + homeWords)
	} else if err := s.sayConnection(done, asked); err != nil {
		return err
	}
	s.sayAdminApp(s.s.AdminPages())
	s.say("Next, in another terminal: nsecbunker key add NAME makes your first key.")
	if s.interactive() {
		s.say("This terminal holds the bunker; Ctrl-C stops it.\n")
	}
	return nil
}

// sayConnection tells where admins find the bunker, with a code for a phone where
// somebody asked for it.
func (s *starting) sayConnection(done setupAnswer, code bool) error {
	s.say("\nThe bunker is set up and runs.\n" + connectionStringWords)
	if err := s.line(done.ConnectionString); err != nil || !code {
		return err
	}
	link := done.ConnectionString
	if page := bestPage(s.s.AdminPages(), false); isPublic(page) {
		link = loginLink(page, link) // a phone's camera opens it
	}
	if err := s.qrCode(link); err != nil {
		s.say("(%s)", err)
	}
	return nil
}

// firstRun asks for what a bunker needs.
func (s *starting) firstRun(ctx context.Context, dir string) error {
	s.say("nsecBunker: the first start\nIts data will be kept in %s\n", dir)
	p := setupParams{}
	defer func() { p.Passphrase.Wipe() }()
	var err error
	if p.Passphrase, err = s.choosePassphrase(ctx); err != nil {
		return err
	}
	if p.Relays, err = s.chooseRelays(ctx); err != nil {
		return err
	}
	admins, err := s.chooseAdmins(ctx, s.admins, "")
	if err != nil {
		return err
	}
	p.Admins = setupAdmins(admins)
	s.say("\nSetting up …")
	var done setupAnswer
	if err := s.dispatch(ctx, "setup", p, &done); err != nil {
		return err
	}
	return s.setUpDone(done, true)
}

// choosePassphrase offers a generated passphrase, or takes one twice.
func (a *app) choosePassphrase(ctx context.Context) (secret.Param, error) {
	a.say("1. Passphrase\n   It opens your keys after each start. Nobody can recover it.\n")
	for {
		own, err := a.secret(ctx, fmt.Sprintf("   Press Enter to have one made, or type your own (%d characters or more):", seal.MinPassphrase))
		if err != nil {
			return nil, err
		}
		if len(own) == 0 {
			made, err := a.generatedPassphrase(ctx)
			if made != nil || err != nil {
				return made, err
			}
			continue
		}
		if err := seal.CheckPassphrase(own); err != nil {
			own.Wipe()
			a.say("   %s", words(err))
			continue
		}
		again, err := a.secret(ctx, "   Once more:")
		same := err == nil && bytes.Equal(own, again)
		again.Wipe()
		if same {
			return own, nil
		}
		own.Wipe()
		if err != nil {
			return nil, err
		}
		a.say("   These were two different ones. Again, please.")
	}
}

// generatedPassphrase shows a new passphrase and has it typed back, which proves
// that it was written down; then it is taken off the screen. nil: start over.
func (a *app) generatedPassphrase(ctx context.Context) (secret.Param, error) {
	made, err := seal.GeneratePassphrase()
	if err != nil {
		return nil, err
	}
	p := secret.Param(made)
	a.say("\n       %s\n\n   Write it down now: it is not shown again.", made)
	lines := 4 // from the passphrase to the question, for the eraser
	for {
		typed, err := a.secret(ctx, "   Type it here when you have it (Enter: another one):")
		lines++
		if err != nil {
			p.Wipe()
			return nil, err
		}
		same := bytes.Equal(bytes.TrimSpace(typed), made)
		empty := len(typed) == 0
		typed.Wipe()
		if same || empty {
			a.erase(lines)
		}
		switch {
		case same:
			a.say("   The passphrase is set.")
			return p, nil
		case empty:
			p.Wipe()
			return nil, nil
		}
		a.say("   That was not it.")
		lines++
	}
}

// erase takes the last lines off a terminal that can do that.
func (a *app) erase(lines int) {
	if t := a.getenv("TERM"); t == "" || t == "dumb" {
		return
	}
	fmt.Fprintf(a.Err, "\x1b[%dA\x1b[J", lines)
}

// chooseRelays asks for relays and tests each; those of flags and configuration
// are not asked for.
func (s *starting) chooseRelays(ctx context.Context) ([]string, error) {
	s.say("\n2. Relays\n   Apps reach the bunker through relays, from anywhere. Without any, only apps\n   on this machine can.\n")
	if len(s.relays) > 0 {
		return s.tested(ctx, s.relays)
	}
	for {
		urls, err := s.askRelays(ctx, "")
		if err != nil || len(urls) == 0 {
			return nil, err
		}
		kept, err := s.tested(ctx, urls)
		if err != nil || len(kept) > 0 {
			return kept, err
		}
	}
}

// askRelays asks for the addresses of relays; otherwise is what Enter means
// before it means none.
func (a *app) askRelays(ctx context.Context, otherwise string) ([]string, error) {
	for {
		text, err := a.ask(ctx, "   Addresses, such as wss://relay.example.com (Enter: "+otherwise+"this machine only):")
		if err != nil {
			return nil, err
		}
		list := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
		if len(list) == 0 {
			if otherwise == "" {
				a.say("   It works on this machine only, for now. Later: nsecbunker relay add URL")
			}
			return nil, nil
		}
		urls, err := normalRelays(list)
		if err == nil {
			return urls, nil
		}
		a.say("   %s", words(err))
	}
}

// normalRelays reads addresses as people type them: wss:// may be left out.
func normalRelays(list []string) ([]string, error) {
	var out []string
	for _, u := range list {
		if !strings.Contains(u, "://") {
			u = "wss://" + u
		}
		n, err := nip46.NormalizeRelayURL(u)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// tested pairs the bunker with itself through each relay, and asks about those
// where that fails.
func (s *starting) tested(ctx context.Context, urls []string) ([]string, error) {
	var kept []string
	for _, u := range urls {
		fmt.Fprintf(s.Err, "   %s … ", u)
		start := s.now()
		err := s.testRelay(ctx, u)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			s.say("works (%d ms)", s.now().Sub(start).Milliseconds())
			kept = append(kept, u)
			continue
		}
		s.say("does not work\n      %s", relayWords(u, err))
		use, err := s.yesNo(ctx, "   Use it all the same?")
		if err != nil {
			return nil, err
		}
		if use {
			kept = append(kept, u)
		}
	}
	return kept, nil
}

// chooseAdmins asks for the first admin; those of the flags are not asked for.
func (a *app) chooseAdmins(ctx context.Context, given []string, otherwise string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	a.say("\n3. Admin\n   The npub of who shall administer the bunker from other machines.\n   Commands on this machine always can.\n")
	for {
		npub, err := a.ask(ctx, "   npub (Enter: "+otherwise+"nobody for now):")
		if err != nil {
			return nil, err
		}
		if npub == "" {
			if otherwise == "" {
				a.say("   Nobody from afar, for now. Later: nsecbunker admin add NPUB --role owner")
			}
			return nil, nil
		}
		if err := checkNpub("that is no npub", npub); err != nil {
			a.say("   %s", words(err))
			continue
		}
		return []string{npub}, nil
	}
}
