package store

import (
	"embed"
	"encoding/base64"
	"errors"
	"regexp"
	"sync"

	_ "example/internal/dial"
	_ "example/internal/store/schema"

	_ "modernc.org/sqlite"
)

//go:embed *.sql
var files embed.FS

var (
	// ErrFull is a sentinel.
	ErrFull  = errors.New("full")
	name     = regexp.MustCompile("a")
	alphabet = base64.StdEncoding.Strict()
	once     = sync.OnceValue(func() int { return 1 })
	hex      = func() (t [256]byte) { t[0] = 1; return t }()
	kinds    = map[string]func() int{"a": func() int { n := 0; n++; return n }}
	raw      = []byte("x")
	_        = files
)

var _ error = fault{}

type fault struct{}

func (fault) Error() string { return "" }

func shadow() {
	var kinds = map[string]int{}
	kinds["a"] = 1
	hex := [1]int{}
	hex[0]++
	for _, r := range &table {
		_ = r
	}
}

var table = [...]int{1}
