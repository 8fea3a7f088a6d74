package describe

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// App is what an app is called, by an admin or by its own word, for looking for
// those that could be taken for each other.
type App struct {
	Name string
	URL  string
}

// MaxAlike bounds the names that are compared, in bytes; more is cut off.
const MaxAlike = 256

// Alike says in words why a new app could be taken for one that is here already,
// "" when it could not: the same name or page from another key, or one that looks
// like it.
func Alike(fresh App, here []App) string {
	for _, h := range here {
		switch {
		case same(fresh.Name, h.Name):
			return "an app called " + quoted(h.Name) + " is connected already; this is another one, with a key of its own"
		case resembles(fresh.Name, h.Name):
			return "its name looks like " + quoted(h.Name) + ", which is connected already; it is another one"
		}
		a, b := host(fresh.URL), host(h.URL)
		switch {
		case a == "" || b == "":
		case a != b && resembles(a, b):
			return "its page looks like " + quoted(b) + ", the page of an app that is connected already; it is another one"
		}
	}
	return ""
}

func same(a, b string) bool { return a != "" && a == b }

// resembles reports whether two different names look alike: equal once everything
// that looks the same is the same, or one slip apart.
func resembles(a, b string) bool {
	sa, sb := skeleton(a), skeleton(b)
	if sa == "" || sb == "" {
		return false
	}
	return sa == sb || len(sa) >= shortest && len(sb) >= shortest && apart(sa, sb)
}

// shortest names, in bytes, are compared for slips: of shorter ones too many are
// one letter apart.
const shortest = 5

func host(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

// skeleton is a name without everything that can differ and look the same: case,
// accents, spaces and signs, letters of other scripts that look Latin, digits that
// look like letters, pairs of letters that look like one.
func skeleton(s string) string {
	if len(s) > MaxAlike {
		s = s[:MaxAlike]
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if l, ok := latin(r); ok {
			r = l
		}
		if r == 'i' { // as a capital it looks like l
			r = 'l'
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return strings.NewReplacer("rn", "m", "vv", "w", "cl", "d").Replace(b.String())
}

// latin is the Latin letter that a character looks like.
func latin(r rune) (rune, bool) {
	const from = "аеорсухіјѕԁһкмтвнгпαοερινκτυχηωɑɡıł0135|!$"
	const to = "aeopcyxijsdhkmtbhrnaoepivktuxnwagil" + "olesll" + "s"
	i := 0
	out := []rune(to)
	for _, f := range from {
		if f == r {
			return out[i], true
		}
		i++
	}
	return 0, false
}

// apart reports whether one letter more, less or other makes b out of a.
func apart(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) == len(y) {
		return i == len(x) || string(x[i+1:]) == string(y[i+1:])
	}
	return string(x[i:]) == string(y[i+1:])
}
