package admin

import (
	"context"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip24"
)

const (
	// MaxProfileName is the longest name in a profile, in characters.
	MaxProfileName = 100
	// MaxAbout is the longest text about oneself in a profile, in characters.
	MaxAbout = 4000
	// MaxProfileURL is the longest address in a profile, in bytes.
	MaxProfileURL = 2 << 10
	// MaxInternetName is the longest name@domain in a profile, in bytes.
	MaxInternetName = 320
)

func profileCommands(t *Table) {
	add(t, Command{
		Name: "key.profile.show", Summary: "Shows a key's profile (kind 0), as it was last signed or found.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.profileShow)
	add(t, Command{
		Name: "key.profile.check", Summary: "Says what a change of a key's profile would do, without signing anything.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.profileCheck)
	add(t, Command{
		Name: "key.profile.set", Summary: "Changes fields of a key's profile, keeps all others, signs it and publishes it on the account's relays.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.profileSet)
}

// keptView is the version of an account's event that a change begins from.
type keptView struct {
	Event   string `json:"event,omitempty" doc:"id of the event; empty where none is kept"`
	Dated   Time   `json:"dated,omitzero" doc:"the event's created_at"`
	Fetched bool   `json:"fetched,omitempty" doc:"found on a relay, not signed here"`
	Broken  bool   `json:"broken,omitempty" doc:"it cannot be read"`
	Known   bool   `json:"known" doc:"what is not kept is not there, as far as can be told: false for a key that was brought along and not looked up yet"`
}

func (t *Table) viewKept(ctx context.Context, k *bunker.UserKey, kind nostr.Kind) (keptView, *nostr.Event, error) {
	v := keptView{Known: k.Baseline != bunker.BaselineUnknown}
	last, ev, err := t.current(ctx, k, kind)
	if err != nil || last == nil {
		return v, nil, err
	}
	v.Event, v.Dated, v.Fetched = last.EventID.String(), Time(last.CreatedAt*1000), last.Source == bunker.KeptFetched
	v.Broken, v.Known = ev == nil, true
	return v, ev, nil
}

type profileShowResult struct {
	keptView
	Name        string   `json:"name"`
	DisplayName string   `json:"display_name"`
	About       string   `json:"about"`
	Picture     string   `json:"picture" doc:"address of a picture"`
	Banner      string   `json:"banner" doc:"address of a wide picture"`
	Website     string   `json:"website"`
	NIP05       string   `json:"nip05" doc:"name@domain that stands for the key (NIP-05)"`
	LUD16       string   `json:"lud16" doc:"lightning address"`
	Others      []string `json:"others,omitempty" doc:"names of further fields, which every change keeps"`
}

func (t *Table) profileShow(ctx context.Context, _ *Call, p keyParams) (profileShowResult, error) {
	var res profileShowResult
	k, err := t.key(ctx, p.Key)
	if err != nil {
		return res, err
	}
	var ev *nostr.Event
	if res.keptView, ev, err = t.viewKept(ctx, k, nip24.Kind); err != nil || ev == nil {
		return res, err
	}
	fields, err := nip24.Parse(ev.Content)
	if err != nil {
		res.Broken = true
		return res, nil
	}
	for name, to := range map[string]*string{
		nip24.Name: &res.Name, nip24.DisplayName: &res.DisplayName, nip24.About: &res.About, nip24.Picture: &res.Picture, nip24.Banner: &res.Banner,
		nip24.Website: &res.Website, nip24.NIP05: &res.NIP05, nip24.LUD16: &res.LUD16,
	} {
		*to = fields.Text(name)
	}
	for _, name := range fields.Others() {
		res.Others = append(res.Others, bunker.Display(name, MaxName))
	}
	return res, nil
}

// profileFields are what is to be changed: what is not given stays as it is.
type profileFields struct {
	Name        *string `json:"name,omitempty" doc:"empty takes it away; so with the others"`
	DisplayName *string `json:"display_name,omitempty"`
	About       *string `json:"about,omitempty"`
	Picture     *string `json:"picture,omitempty" doc:"address of a picture"`
	Banner      *string `json:"banner,omitempty" doc:"address of a wide picture"`
	Website     *string `json:"website,omitempty"`
	NIP05       *string `json:"nip05,omitempty" doc:"name@domain that stands for the key (NIP-05)"`
	LUD16       *string `json:"lud16,omitempty" doc:"lightning address"`
}

type profileCheckParams struct {
	keyParams
	profileFields
	Relays []string `json:"relays,omitempty" doc:"more relays to publish it on"`
}

type profileSetParams struct {
	keyParams
	profileFields
	ownShown
}

func (t *Table) profileCheck(ctx context.Context, _ *Call, p profileCheckParams) (ownCheckResult, error) {
	e, warnings, err := p.edit()
	if err != nil {
		return ownCheckResult{}, err
	}
	return t.checkOwn(ctx, p.Key, e, warnings, p.Relays)
}

func (t *Table) profileSet(ctx context.Context, c *Call, p profileSetParams) (ownSetResult, error) {
	e, warnings, err := p.edit()
	if err != nil {
		return ownSetResult{}, err
	}
	return t.setOwn(ctx, c, p.Key, e, p.ownShown, warnings)
}

// profileField is one field with the check of what may stand in it.
type profileField struct {
	name  string
	text  *string
	check func(field, s string) (warning string, err error)
}

func (p *profileFields) given() []profileField {
	var out []profileField
	for _, f := range []profileField{
		{nip24.Name, p.Name, profileName}, {nip24.DisplayName, p.DisplayName, profileName}, {nip24.About, p.About, profileAbout},
		{nip24.Picture, p.Picture, profileURL}, {nip24.Banner, p.Banner, profileURL}, {nip24.Website, p.Website, profileURL},
		{nip24.NIP05, p.NIP05, internetName}, {nip24.LUD16, p.LUD16, internetName},
	} {
		if f.text != nil {
			out = append(out, f)
		}
	}
	return out
}

// edit checks what is to be changed.
func (p *profileFields) edit() (e *ownEdit, warnings []string, err error) {
	given := p.given()
	for _, f := range given {
		if *f.text == "" {
			continue
		}
		w, err := f.check(f.name, *f.text)
		if err != nil {
			return nil, nil, err
		}
		if w != "" {
			warnings = append(warnings, w)
		}
	}
	return &ownEdit{kind: nip24.Kind, fill: func(before *nostr.Event, to *nostr.Template) (reason, lost string, err error) {
		if before.Tags != nil {
			to.Tags = before.Tags
		}
		fields, err := nip24.Parse(before.Content)
		if err != nil { // what an app wrote there
			fields, lost = &nip24.Profile{}, "the profile before cannot be read: nothing of it would be kept"
		}
		var names []string
		for _, f := range given {
			if fields.Text(f.name) != *f.text {
				names = append(names, f.name)
			}
			fields.Set(f.name, *f.text)
		}
		to.Content = fields.String()
		if len(to.Content) > nip24.MaxContent {
			return "", "", bunker.Errorf(bunker.CodeInvalid, "the whole profile would be longer than %d bytes", nip24.MaxContent)
		}
		return "the profile was changed: " + strings.Join(names, ", "), lost, nil
	}}, warnings, nil
}

// plain refuses text that is none.
func plain(field, s string, most int, lines bool) error {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && (r != '\n' || !lines) }):
		return bunker.Errorf(bunker.CodeInvalid, "%s holds control characters; leave them out", field).In(field)
	case strings.TrimSpace(s) != s:
		return bunker.Errorf(bunker.CodeInvalid, "%s begins or ends with a space; leave it out", field).In(field)
	case utf8.RuneCountInString(s) > most:
		return bunker.Errorf(bunker.CodeInvalid, "%s is longer than %d characters", field, most).In(field)
	}
	return nil
}

func profileName(field, s string) (string, error) {
	return "", plain(field, s, MaxProfileName, false)
}

func profileAbout(field, s string) (string, error) { return "", plain(field, s, MaxAbout, true) }

func profileURL(field, s string) (string, error) {
	if err := plain(field, s, MaxProfileURL, false); err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(s) > MaxProfileURL {
		return "", bunker.Errorf(bunker.CodeInvalid, "%s is the address of a page or picture, at most %d bytes; write it as https://example.com/…", field, MaxProfileURL).In(field)
	}
	if u.Scheme == "http" {
		return field + " is an address without encryption (http): many apps do not show it", nil
	}
	return "", nil
}

// internetName checks name@domain, as NIP-05 and lightning addresses have it.
func internetName(field, s string) (string, error) {
	local, domain, ok := strings.Cut(s, "@")
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.+", r)
	}
	at, err := url.Parse("https://" + domain)
	if !ok || len(s) > MaxInternetName || local == "" || strings.ContainsFunc(local, odd) || err != nil || domain == "" || at.Host != domain || strings.ContainsAny(domain, "@ /?#") {
		return "", bunker.Errorf(bunker.CodeInvalid, "%s is a name at a domain; write it as name@example.com", field).In(field)
	}
	return "", nil
}
