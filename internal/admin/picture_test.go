package admin

import (
	"context"
	"errors"
	"testing"

	"nsecbunker/internal/bunker"
)

// album notes what is fetched.
type album struct {
	asked []string
	err   error
}

func (a *album) Fetch(_ context.Context, address string) ([]byte, error) {
	a.asked = append(a.asked, address)
	return []byte("jpeg"), a.err
}

func TestNoPictureIsFetchedUntilAnOwnerTurnsItOn(t *testing.T) {
	f := setUp(t).remote()
	a := &album{}
	page := f.as(1)
	f.Pictures = a
	f.do("key.add", m{"name": "herald"})
	f.own("herald", f.list(0, nil, `{"name":"h","picture":"https://img.example.com/h.png"}`))
	if r := f.doAs(page, "key.picture", m{"key": "herald"}); get(r, "on") != false || r["picture"] != nil || len(a.asked) != 0 {
		t.Errorf("off: %v, asked %v", r, a.asked)
	}
	operator := owner()
	operator.Role = bunker.Operator
	f.deny(operator, bunker.CodeRestricted, "owner", "picture.set", m{"on": true})
	f.do("picture.set", m{"on": true})
	if rec := f.last(); rec.Action != "picture.set" || rec.Reason != "pictures of profiles are fetched from their hosts" {
		t.Errorf("recorded %+v", rec)
	}
	if r := f.doAs(page, "key.picture", m{"key": "herald"}); str(r, "picture") != "anBlZw==" || str(r, "host") != "img.example.com" || len(a.asked) != 1 {
		t.Errorf("on: %v, asked %v", r, a.asked)
	}
	f.do("key.add", m{"name": "plain"})
	if r := f.doAs(page, "key.picture", m{"key": "plain"}); r["picture"] != nil || len(a.asked) != 1 {
		t.Errorf("without a profile: %v", r)
	}
	a.err = errors.New("no picture: its host\x1b answers 404")
	if r := f.doAs(page, "key.picture", m{"key": "herald"}); str(r, "words") != "no picture: its host answers 404" || r["picture"] != nil {
		t.Errorf("that cannot be fetched: %v", r)
	}
	f.do("picture.set", m{"on": false})
	if r := f.do("picture.settings", nil); get(r, "on") != false {
		t.Errorf("off again: %v", r)
	}
	if r := f.doAs(page, "key.picture", m{"key": "herald"}); get(r, "on") != false || len(a.asked) != 2 {
		t.Errorf("off again: %v, asked %v", r, a.asked)
	}
}
