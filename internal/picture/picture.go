// Package picture fetches the pictures of profiles, so that no browser has to: whoever
// keeps a picture learns when it is fetched and from where, which is then the bunker, once a
// day at most, and never who looks at it. What comes back is no file of somebody's:
// it was read here, made small, and written anew.
package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the first frame alone
	"image/jpeg"
	_ "image/png"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

const (
	// MaxFile is the largest file that is fetched, in bytes.
	MaxFile = 4 << 20
	// MaxPixels is the largest picture that is read: 16 megapixels, of kinds that need more
	// memory for a pixel fewer, so that no file needs more than another.
	MaxPixels = 1 << 24
	// Side is how wide and how high a picture is made, in pixels.
	Side = 160
	// Timeout bounds one fetch.
	Timeout = 10 * time.Second
	// Kept is how long a picture is remembered, KeptNot that there is none.
	Kept    = 24 * time.Hour
	KeptNot = 10 * time.Minute
	// MaxKept is how many pictures are remembered; each has some ten kilobytes.
	MaxKept = 64
	// maxFetches is how many are fetched at once.
	maxFetches = 4
	// quality is that of the JPEG which is handed out.
	quality = 82
)

// ErrNone is wrapped by every error: there is no picture to show.
var ErrNone = errors.New("no picture")

// Pictures fetches and remembers. Its methods may be called concurrently.
type Pictures struct {
	client *http.Client
	now    func() time.Time

	fetching chan struct{} // places of fetches
	reading  chan struct{} // one is read at a time: it may need 64 MiB
	mu       sync.Mutex
	kept     map[string]entry
}

type entry struct {
	picture []byte
	err     error
	at      time.Time
}

// New makes one over a client that dials as the bunker may, and bounds bodies to
// MaxFile.
func New(client *http.Client, now func() time.Time) *Pictures {
	return &Pictures{client: client, now: now, fetching: make(chan struct{}, maxFetches), reading: make(chan struct{}, 1), kept: map[string]entry{}}
}

// Fetch returns the picture at an address as a JPEG of Side times Side pixels. Errors
// wrap ErrNone and say why, in words for people.
func (p *Pictures) Fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%w: the address is none of https", ErrNone)
	}
	if e, ok := p.known(address); ok {
		return e.picture, e.err
	}
	if err := enter(ctx, p.fetching); err != nil {
		return nil, err
	}
	defer func() { <-p.fetching }()
	if e, ok := p.known(address); ok { // fetched while this one waited
		return e.picture, e.err
	}
	b, err := p.fetch(ctx, address)
	if ctx.Err() == nil {
		p.keep(address, entry{b, err, p.now()})
	}
	return b, err
}

func (p *Pictures) known(address string) (entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.kept[address]
	life := Kept
	if e.err != nil {
		life = KeptNot
	}
	age := p.now().Sub(e.at)
	return e, ok && age >= 0 && age < life
}

// keep remembers, and forgets the oldest when there are too many.
func (p *Pictures) keep(address string, e entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) >= MaxKept {
		oldest := ""
		for a, k := range p.kept {
			if oldest == "" || k.at.Before(p.kept[oldest].at) {
				oldest = a
			}
		}
		delete(p.kept, oldest)
	}
	p.kept[address] = e
}

func (p *Pictures) fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	req.Header.Set("Accept", "image/jpeg,image/png,image/webp,image/gif")
	req.Header.Set("User-Agent", "nsecBunker")
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: its host answers %d", ErrNone, resp.StatusCode)
	}
	file, err := io.ReadAll(io.LimitReader(resp.Body, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	case len(file) > MaxFile:
		return nil, fmt.Errorf("%w: the file is larger than 4 MiB", ErrNone)
	}
	if err := enter(ctx, p.reading); err != nil {
		return nil, err
	}
	defer func() { <-p.reading }()
	return Small(file)
}

// enter takes a place, or gives up with ctx.
func enter(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNone, ctx.Err())
	}
}

// Small reads a file (JPEG, PNG, WebP, GIF) and makes the picture of Side times Side
// pixels out of its middle. Errors wrap ErrNone.
func Small(file []byte) (small []byte, err error) {
	defer func() { // a bug of a decoder's must not let a host end the bunker
		if r := recover(); r != nil {
			small, err = nil, fmt.Errorf("%w: the file cannot be read", ErrNone)
		}
	}()
	head, kind, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: the file is no JPEG, PNG, WebP or GIF", ErrNone)
	}
	most := MaxPixels * leastPixel / pixelBytes(file, kind, head.ColorModel)
	if head.Width <= 0 || head.Height <= 0 || head.Width > most/head.Height {
		return nil, fmt.Errorf("%w: it has more than %d pixels", ErrNone, most)
	}
	return made(file)
}

const leastPixel = 4

// pixelBytes is how much memory one pixel needs while a file is read, at least leastPixel.
func pixelBytes(file []byte, kind string, m color.Model) int {
	switch {
	case kind == "jpeg" && bytes.Contains(file, []byte{0xff, 0xc2}):
		return 16 // progressive, or it looks so: all coefficients are kept until the end
	case m == color.NRGBA64Model || m == color.RGBA64Model || m == color.Gray16Model:
		return 8
	}
	return leastPixel
}

// made is Small for a file whose size was looked at.
func made(file []byte) ([]byte, error) {
	whole, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: the file cannot be read: %w", ErrNone, err)
	}
	b := whole.Bounds()
	if b.Dx() <= 0 || b.Dy() <= 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrNone)
	}
	n := min(b.Dx(), b.Dy())
	middle := image.Rect(0, 0, n, n).Add(b.Min).Add(image.Pt((b.Dx()-n)/2, (b.Dy()-n)/2))
	small := image.NewRGBA(image.Rect(0, 0, Side, Side))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(small, small.Bounds(), whole, middle, draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return out.Bytes(), nil
}
