package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Path is where the admin app is served.
const Path = "/admin/"

//go:embed all:dist
var built embed.FS

// Config is what New needs.
type Config struct {
	// Hosts are the names, besides loopback's, under which the app may be opened:
	// those that the owner set. A page under any other name is refused, so that no
	// foreign name can be pointed at this address (DNS rebinding).
	Hosts []string
	// Bunker is the connection string of the bunker that serves the page, which is no
	// secret: the page offers it, so that nobody has to copy it. Nil: none is offered.
	Bunker func() string
}

// App serves the admin app. It changes nothing whatever it is asked.
type App struct {
	hosts  []string
	bunker func() string
	files  map[string]*file
}

// file is one built file. It is read from the program when it is asked for, and
// compressed once, then: a bunker whose page nobody opens holds nothing of it.
type file struct {
	kind    string
	forever bool // its name holds its hash
	plain   func() ([]byte, error)
	zipped  func() ([]byte, error) // nil bytes where it would not be smaller
}

// New reads the built app.
func New(c Config) (*App, error) {
	root, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, err
	}
	a := &App{hosts: c.Hosts, bunker: c.Bunker, files: map[string]*file{}}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		a.files[name], err = newFile(root, name)
		return err
	})
	if err == nil && a.files["index.html"] == nil {
		err = errors.New("the admin app was not built into this program")
	}
	return a, err
}

func newFile(root fs.FS, name string) (*file, error) {
	// Not what the machine's tables say: reading those holds a megabyte for good.
	kind := map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
		".png": "image/png", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
	}[path.Ext(name)]
	if kind == "" {
		return nil, fmt.Errorf("the admin app holds a file of no known kind: %s", name)
	}
	plain := func() ([]byte, error) { return fs.ReadFile(root, name) }
	return &file{kind: kind, forever: strings.HasPrefix(name, "assets/"), plain: plain, zipped: sync.OnceValues(func() ([]byte, error) {
		b, err := plain()
		if err != nil {
			return nil, err
		}
		return zip(b)
	})}, nil
}

// zip compresses, unless that makes it no smaller.
func zip(b []byte) ([]byte, error) {
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil || z.Len() >= len(b) {
		return nil, err
	}
	return bytes.Clone(z.Bytes()), nil // the buffer is up to twice as large
}

// policy lets the page load its own files and speak to relays, and nothing else:
// no inline script or style, no frame, no form, no HTML out of text but Svelte's
// own templates, no worker but the page's own one (Trusted Types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; worker-src 'self'; " +
	"connect-src 'self' wss: ws://127.0.0.1:* ws://localhost:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html nsecbunker-worker"

// ServeHTTP implements [http.Handler] for what is below Path.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Path)
	switch name {
	case "":
		name = "index.html"
	case buyPage:
		name = "?" // it has a place of its own
	}
	a.serveFile(w, r, name, policy)
}

// serveFile sends a file under a Content-Security-Policy.
func (a *App) serveFile(w http.ResponseWriter, r *http.Request, name, policy string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()")
	switch {
	case !a.known(r.Host):
		http.Error(w, "The admin app is not served under this name. Open it by 127.0.0.1, or by a name that the operator gave it.", http.StatusMisdirectedRequest)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "There is nothing to change here.", http.StatusMethodNotAllowed)
		return
	}
	f := a.files[name]
	if f == nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Vary", "Accept-Encoding")
	body, err := a.body(name, f, h, acceptsGzip(r))
	if err != nil { // a fault of the program: its files are inside it
		http.Error(w, "The file cannot be read.", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	w.Write(body) // the reader went away: nothing to be done
}

// body is what is sent of a file; it says in the header how.
func (a *App) body(name string, f *file, h http.Header, gzip bool) ([]byte, error) {
	if name != "index.html" && gzip {
		if b, err := f.zipped(); b != nil || err != nil {
			h.Set("Content-Encoding", "gzip")
			return b, err
		}
	}
	b, err := f.plain()
	if name == "index.html" {
		b = a.named(b)
	}
	return b, err
}

// noBunker is the place in the page for the connection string of whoever serves it.
const noBunker = `<meta name="bunker" content="" />`

// named writes into the page which bunker serves it. The page is the one file that
// is not the same for everybody, and too small to be worth compressing each time.
func (a *App) named(page []byte) []byte {
	if a.bunker == nil {
		return page
	}
	with := `<meta name="bunker" content="` + html.EscapeString(a.bunker()) + `" />`
	return bytes.Replace(page, []byte(noBunker), []byte(with), 1)
}

func acceptsGzip(r *http.Request) bool {
	for _, v := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(v), ";")
		if name == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// known reports whether the page may be opened under a Host header's name.
func (a *App) known(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(name), "["), "]")
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsLoopback() || slices.Contains(a.hosts, name)
	}
	return name == "localhost" || slices.Contains(a.hosts, name)
}
