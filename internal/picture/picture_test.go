package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// wide is a picture with a red middle and blue ends.
func wide(w, h int) *image.Paletted {
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.RGBA{0, 0, 255, 255}, color.RGBA{255, 0, 0, 255}})
	for y := range h {
		for x := (w - h) / 2; x < (w+h)/2; x++ {
			m.SetColorIndex(x, y, 1)
		}
	}
	return m
}

func encoded(t testing.TB, kind string, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, m)
	case "gif":
		err = gif.Encode(&b, m, nil)
	default:
		err = jpeg.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestThePictureIsTheSmallMiddleOfTheFile(t *testing.T) {
	for _, kind := range []string{"png", "gif", "jpeg"} {
		small, err := Small(append(encoded(t, kind, wide(900, 300)), "a comment at the end"...))
		if err != nil {
			t.Fatal(kind, err)
		}
		m, format, err := image.Decode(bytes.NewReader(small))
		if err != nil || format != "jpeg" || m.Bounds() != image.Rect(0, 0, Side, Side) || bytes.Contains(small, []byte("comment")) {
			t.Errorf("%s: %s %v, %v", kind, format, m.Bounds(), err)
		}
		for _, at := range []image.Point{{2, 80}, {80, 80}, {157, 80}} {
			if r, g, b, _ := m.At(at.X, at.Y).RGBA(); r < 0xd000 || g > 0x3000 || b > 0x3000 {
				t.Errorf("%s: at %v it is %x %x %x", kind, at, r, g, b)
			}
		}
	}
}

func TestWhatIsNoPictureOrTooLargeIsNone(t *testing.T) {
	huge := bytes.Clone(encoded(t, "png", wide(3, 1)))
	copy(huge[16:], []byte{0, 1, 0, 0, 0, 0, 16, 0}) // 65,536 times 4,096
	for what, file := range map[string][]byte{
		"deep": deep(t), "all at the end": progressive(t), "nothing": nil, "text": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "half": encoded(t, "jpeg", wide(90, 30))[:200], "huge": huge,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if b, err := Small(file); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %d bytes, %v", what, len(b), err)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 8<<20 {
			t.Errorf("%s: %d bytes of memory were used to say no", what, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// deep is a small file with 9 million pixels of 8 bytes, progressive one of as many whose
// coefficients would all be kept.
func deep(t *testing.T) []byte {
	file := encoded(t, "png", image.NewNRGBA64(image.Rect(0, 0, 3, 1)))
	copy(file[16:], []byte{0, 0, 11, 184, 0, 0, 11, 184})
	sum := crc32.ChecksumIEEE(file[12:29])
	binary.BigEndian.PutUint32(file[29:], sum)
	return file
}

func progressive(t *testing.T) []byte {
	file := encoded(t, "jpeg", image.NewRGBA(image.Rect(0, 0, 8, 8)))
	at := bytes.Index(file, []byte{0xff, 0xc0})
	file[at+1] = 0xc2
	copy(file[at+5:], []byte{11, 184, 11, 184})
	return file
}

func TestOneFetchADayAndOnlyOfHTTPS(t *testing.T) {
	asked := map[string]int{}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		if r.Header.Get("Referer")+r.Header.Get("Cookie") != "" {
			t.Errorf("sent along: %v", r.Header)
		}
		switch r.URL.Path {
		case "/a":
			_, _ = w.Write(encoded(t, "png", wide(90, 30)))
		case "/large":
			_, _ = w.Write(make([]byte, MaxFile+1))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer srv.Close()
	now := time.Unix(1_800_000_000, 0)
	p := New(srv.Client(), func() time.Time { return now })
	for range 3 {
		if b, err := p.Fetch(t.Context(), srv.URL+"/a"); err != nil || len(b) == 0 {
			t.Fatal(err)
		}
		for _, path := range []string{"/large", "/none"} {
			if _, err := p.Fetch(t.Context(), srv.URL+path); !errors.Is(err, ErrNone) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if asked["/a"] != 1 || asked["/large"] != 1 || asked["/none"] != 1 {
		t.Errorf("asked %v", asked)
	}
	now = now.Add(KeptNot)
	_, _ = p.Fetch(t.Context(), srv.URL+"/none")
	_, _ = p.Fetch(t.Context(), srv.URL+"/a")
	now = now.Add(Kept)
	_, _ = p.Fetch(t.Context(), srv.URL+"/a")
	if asked["/none"] != 2 || asked["/a"] != 2 {
		t.Errorf("asked %v", asked)
	}
	for _, u := range []string{strings.Replace(srv.URL, "https:", "http:", 1) + "/a", "https://", "file:///etc/passwd", "https://u:p@example.com/a", "x"} {
		if _, err := p.Fetch(t.Context(), u); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", u, err)
		}
	}
	for i := range MaxKept + 5 {
		p.keep(strings.Repeat("x", i), entry{at: now.Add(time.Duration(i))})
	}
	if len(p.kept) != MaxKept {
		t.Errorf("%d are kept", len(p.kept))
	}
}

// FuzzSmall: whatever a host sends, it is none, or a picture of the one size.
func FuzzSmall(f *testing.F) {
	for _, kind := range []string{"png", "gif", "jpeg"} {
		f.Add(encoded(f, kind, wide(9, 3)))
	}
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		// Sizes that are declared and never filled cost time alone here.
		if c, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && c.Width > 1<<16/max(c.Height, 1) {
			t.Skip()
		}
		small, err := Small(file)
		if err != nil {
			if !errors.Is(err, ErrNone) {
				t.Errorf("%v", err)
			}
			return
		}
		c, format, err := image.DecodeConfig(bytes.NewReader(small))
		if err != nil || format != "jpeg" || c.Width != Side || c.Height != Side {
			t.Errorf("%s %v %v", format, c, err)
		}
	})
}
