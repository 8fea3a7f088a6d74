package cli

import "testing"

func TestALinkToTheAppIsReadBackAsWhatItCarries(t *testing.T) {
	const target = "bunker-admin://00aa?relay=ws%3A%2F%2F127.0.0.1%3A4848#pair=x-_y"
	for _, page := range []string{"http://127.0.0.1:4848/admin/", "https://bunker.example.com/admin/"} {
		if got := unlinked(" " + loginLink(page, target) + "\n"); got != target {
			t.Errorf("%s: %s", page, got)
		}
	}
	for _, other := range []string{target, "", "#/login?at=x", "ftp://x/#/login?at=y", "https://x/#/login?at=%zz"} {
		if got := unlinked(other); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
}

// A link for a phone that leads to the phone itself would be of no use.
func TestALinkLeadsToAPageThatItsReaderCanOpen(t *testing.T) {
	const here, there = "http://127.0.0.1:4848/admin/", "https://bunker.example.com/admin/"
	for _, c := range []struct {
		pages []string
		afar  bool
		want  string
	}{
		{nil, false, ""}, {[]string{here}, false, here}, {[]string{here}, true, ""}, {[]string{here, there}, false, there}, {[]string{here, there}, true, there},
		{[]string{"https://127.0.0.1/admin/"}, true, ""},
	} {
		if got := bestPage(c.pages, c.afar); got != c.want {
			t.Errorf("%v: %q, want %q", c, got, c.want)
		}
	}
}
