package cli

import (
	"context"
	"net/url"
	"strings"
)

// loginQuery is where a link to the admin app carries a connection string: in the
// fragment, which no server ever sees.
const loginQuery = "#/login?at="

// loginLink opens the admin app at page with a connection string, a pairing link or
// an invitation in it.
func loginLink(page, target string) string { return page + loginQuery + url.QueryEscape(target) }

// unlinked is the connection string of a link to the admin app, or what it was
// given: whoever copied the link need not know what is in it.
func unlinked(text string) string {
	page, at, is := strings.Cut(strings.TrimSpace(text), loginQuery)
	if is && (strings.HasPrefix(page, "https://") || strings.HasPrefix(page, "http://")) {
		if target, err := url.QueryUnescape(at); err == nil {
			return target
		}
	}
	return text
}

// isPublic reports whether a page opens on other machines, too.
func isPublic(page string) bool {
	u, err := url.Parse(page)
	return err == nil && u.Scheme == "https" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1"
}

// bestPage is the page that a link for another browser leads to: one that opens
// everywhere, else this machine's; "" when none is served, or when it would be
// another machine's own.
func bestPage(pages []string, afar bool) string {
	for _, p := range pages {
		if isPublic(p) {
			return p
		}
	}
	if len(pages) == 0 || afar {
		return ""
	}
	return pages[0]
}

// adminPage asks the bunker for the page that links lead to.
func (a *app) adminPage(ctx context.Context, c Caller) (string, error) {
	var st struct {
		AdminPages []string `json:"admin_pages"`
	}
	err := a.callOn(ctx, c, "status", nil, &st)
	return bestPage(st.AdminPages, a.remoteTarget() != ""), err
}

// sayAdminApp tells where the admin app is, and how a browser gets in.
func (s Streams) sayAdminApp(pages []string) {
	if len(pages) == 0 {
		return
	}
	s.say("\nThe admin app:  %s", pages[0])
	for _, p := range pages[1:] {
		s.say("                %s", p)
	}
	s.say("Let a browser in, in another terminal:\n  nsecbunker device pair --role owner --label browser\n")
}
