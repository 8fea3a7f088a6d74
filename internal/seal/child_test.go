package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/scrypt"

	"nsecbunker/nostr/nip49"
)

func TestTheChildDerivesWhatScryptDoes(t *testing.T) {
	c := testChild(t)
	for _, password := range []string{"", "x", strings.Repeat("long ", maxSecret/5)} {
		got, err := c.Scrypt([]byte(password), []byte("salt"), 4)
		must(t, err)
		want, err := scrypt.Key([]byte(password), []byte("salt"), 16, 8, 1, 32)
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Fatalf("got %x, want %x", got, want)
		}
	}
}

func TestTheChildEndsWithTheProcessThatIsToEnd(t *testing.T) {
	c := testChild(t)
	c.Args = []string{"hang"}
	life, end := context.WithCancel(t.Context())
	c.Life = life
	ended := make(chan error, 1)
	go func() {
		_, err := c.Scrypt([]byte("x"), nil, 4)
		ended <- err
	}()
	end()
	if err := <-ended; !errors.Is(err, errEnding) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := c.Scrypt([]byte("x"), nil, 4); !errors.Is(err, errEnding) {
		t.Errorf("it began after the end: %v", err)
	}
}

func TestTheChildIsAKDFOfNIP49(t *testing.T) {
	raw, err := hex.DecodeString("3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683")
	must(t, err)
	const ncryptsec = "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p"
	got, _, err := nip49.Decrypt([]byte(ncryptsec), []byte("nostr"), testChild(t).Scrypt)
	must(t, err)
	if !bytes.Equal(got, raw) {
		t.Fatalf("got %x", got)
	}
	if MaxLogN < nip49.MaxLogN {
		t.Fatal("the child refuses costs that NIP-49 imports may have")
	}
}

func TestTheChildRefusesCostsBeforeItPays(t *testing.T) {
	c := testChild(t)
	for _, n := range []uint8{0, MaxLogN + 1, 63, 255} {
		if _, err := c.Scrypt([]byte("x"), nil, n); err == nil {
			t.Errorf("log_n %d was worked on", n)
		}
		// The child checks again: it trusts no parent.
		request := encodeRequest([]byte("x"), nil, n)
		var out bytes.Buffer
		if err := RunKDFChild(bytes.NewReader(request), &out); err == nil || out.Len() != 0 {
			t.Errorf("the child worked on log_n %d", n)
		}
	}
	if _, err := c.Scrypt(make([]byte, maxSecret+1), nil, 4); err == nil {
		t.Error("a passphrase beyond the bound was worked on")
	}
	if _, err := c.Scrypt(nil, make([]byte, maxSalt+1), 4); err == nil {
		t.Error("a salt beyond the bound was worked on")
	}
}

func TestAChildThatIsNoneOfOursIsAnError(t *testing.T) {
	exe := testChild(t).Exe
	for name, c := range map[string]*ChildKDF{
		"missing":     {Exe: filepath.Join(t.TempDir(), "none")},
		"other words": {Exe: exe, Args: []string{"print", strings.Repeat("k", len(answerMagic)+kdfKey)}},
		"short":       {Exe: exe, Args: []string{"print", answerMagic + "short"}},
		"long":        {Exe: exe, Args: []string{"print", answerMagic + strings.Repeat("k", kdfKey+1)}},
		"silent":      {Exe: exe, Args: []string{"print", ""}},
		"failing":     {Exe: exe, Args: []string{"fail", answerMagic + strings.Repeat("k", kdfKey)}},
		"hanging":     {Exe: exe, Args: []string{"hang"}, Timeout: 200 * time.Millisecond},
	} {
		if key, err := c.Scrypt([]byte("x"), []byte("salt"), 4); err == nil {
			t.Errorf("%s: key %x", name, key)
		}
	}
}

func TestPassphrasesAreWorkedOnOneAtATime(t *testing.T) {
	c := testChild(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := c.Scrypt([]byte("x"), []byte("salt"), 10); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// A second derivation waits for the first: with the lock taken, none begins.
	c.mu.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := c.Scrypt([]byte("x"), []byte("salt"), 4); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-done:
		t.Error("it did not wait")
	default:
	}
	c.mu.Unlock()
	<-done
}

func TestTheChildRefusesCutOffRequests(t *testing.T) {
	whole := encodeRequest([]byte("password"), []byte("salt"), 4)
	for n := range whole {
		if err := RunKDFChild(bytes.NewReader(whole[:n]), io.Discard); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for a request", n, len(whole))
		}
	}
	must(t, RunKDFChild(bytes.NewReader(whole), io.Discard))
	boom := errors.New("boom")
	wantErr(t, RunKDFChild(bytes.NewReader(whole), failingWriter{boom}), boom)
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func FuzzKDFRequest(f *testing.F) {
	f.Add(encodeRequest([]byte("password"), []byte("salt"), 4))
	f.Add(encodeRequest(nil, nil, 20))
	f.Add([]byte(requestMagic + "\x04\xff\xff"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		password, salt, logN, err := readRequest(bytes.NewReader(b))
		if err != nil {
			return
		}
		if logN < 1 || logN > MaxLogN || len(salt) > maxSalt || len(password) > maxSecret {
			t.Fatalf("out of bounds: %d, %d, %d", logN, len(salt), len(password))
		}
		if !bytes.HasPrefix(b, encodeRequest(password, salt, logN)) {
			t.Fatal("another request was read than was written")
		}
	})
}
