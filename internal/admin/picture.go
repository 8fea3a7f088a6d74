package admin

import (
	"context"
	"encoding/base64"
	"net/url"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip24"
)

// Pictures are the pictures of profiles, fetched by the bunker, small and written anew.
type Pictures interface {
	// Fetch returns a JPEG; an error says, in words, why there is none.
	Fetch(ctx context.Context, address string) ([]byte, error)
}

// picturesSetting is "on" where pictures are fetched.
const picturesSetting = "pictures"

func pictureCommands(t *Table) {
	add(t, Command{
		Name: "picture.settings", Summary: "Shows whether the pictures of profiles are fetched.",
		Role: bunker.Viewer, Doors: local(),
	}, t.pictureSettings)
	add(t, Command{
		Name: "picture.set", Summary: "Turns the fetching of profiles' pictures on or off: their hosts then see this bunker, never who looks at them.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.pictureSet)
	add(t, Command{
		Name: "key.picture", Summary: "Fetches the picture that a key's profile names, where that is turned on.",
		Role: bunker.Viewer, Doors: []bunker.Door{bunker.DoorRelay}, Scope: ofKey(), // a terminal shows no pictures
	}, t.keyPicture)
}

type pictureResult struct {
	On bool `json:"on"`
}

func (t *Table) picturesOn(ctx context.Context) (bool, error) {
	s, err := t.Rows.Setting(ctx, t.Tenant, picturesSetting)
	return s == "on" && t.Pictures != nil, err
}

func (t *Table) pictureSettings(ctx context.Context, _ *Call, _ Empty) (pictureResult, error) {
	on, err := t.picturesOn(ctx)
	return pictureResult{on}, err
}

type pictureSetParams struct {
	On bool `json:"on"`
}

func (t *Table) pictureSet(ctx context.Context, c *Call, p pictureSetParams) (pictureResult, error) {
	value, words := "", "pictures of profiles are not fetched any more"
	if p.On {
		value, words = "on", "pictures of profiles are fetched from their hosts"
	}
	err := c.Commit(ctx, &bunker.AuditRecord{Reason: words}, func(tx Tx) error { return tx.PutSetting(picturesSetting, value) })
	return pictureResult(p), err
}

type keyPictureResult struct {
	On      bool   `json:"on" doc:"pictures are fetched; else there is none here"`
	Host    string `json:"host,omitempty" doc:"where the profile says that the picture is"`
	Picture string `json:"picture,omitempty" doc:"a small JPEG, in base64"`
	Words   string `json:"words,omitempty" doc:"why there is none"`
}

func (t *Table) keyPicture(ctx context.Context, _ *Call, p keyParams) (keyPictureResult, error) {
	var res keyPictureResult
	k, err := t.key(ctx, p.Key)
	if err != nil {
		return res, err
	}
	if res.On, err = t.picturesOn(ctx); err != nil || !res.On {
		return res, err
	}
	_, ev, err := t.current(ctx, k, nip24.Kind)
	if err != nil || ev == nil {
		return res, err
	}
	fields, err := nip24.Parse(ev.Content)
	if err != nil || fields.Text(nip24.Picture) == "" {
		return res, nil
	}
	address := fields.Text(nip24.Picture)
	if u, err := url.Parse(address); err == nil {
		res.Host = bunker.Display(u.Host, MaxShown)
	}
	b, err := t.Pictures.Fetch(ctx, address)
	if err != nil {
		res.Words = bunker.Display(err.Error(), MaxShown)
		return res, nil
	}
	res.Picture = base64.StdEncoding.EncodeToString(b)
	return res, nil
}
