package dial

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func opened(t *testing.T, s *httptest.Server) *Dialer {
	t.Helper()
	d, err := New(Config{AllowHosts: []string{s.Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHTTPClientUsesTheRules(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }))
	defer s.Close()
	d := opened(t, s)
	// A proxy named by the environment would resolve names behind our back.
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	resp, err := d.HTTPClient(Limits{}).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != "hi" {
		t.Errorf("got %q, %v", got, err)
	}
	_ = resp.Body.Close()
	strict, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.HTTPClient(Limits{}).Get(s.URL); !errors.Is(err, ErrRefused) {
		t.Errorf("without the exception: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	followed := false
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer target.Close()
	s := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusFound))
	defer s.Close()
	d, err := New(Config{AllowHosts: []string{s.Listener.Addr().String(), target.Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := d.HTTPClient(Limits{}).Get(s.URL)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, ErrRedirect) || followed {
		t.Errorf("got %v, followed=%v", err, followed)
	}
}

func TestBodyIsCappedAfterDecompression(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		case "/exact":
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
		default:
			_, _ = io.WriteString(w, strings.Repeat("x", 101))
		}
	}))
	defer s.Close()
	client := opened(t, s).HTTPClient(Limits{MaxBody: 100})
	for path, want := range map[string]error{"/exact": nil, "/more": ErrBodyTooLarge, "/bomb": ErrBodyTooLarge} {
		resp, err := client.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if !errors.Is(err, want) || len(got) > 100 {
			t.Errorf("%s: %d bytes, %v; want %v", path, len(got), err, want)
		}
		if want != nil {
			if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, want) {
				t.Errorf("%s: reading on gives %v", path, err)
			}
		}
		_ = resp.Body.Close()
	}
}

func TestOversizedHeadersAreRefused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("x", MaxResponseHeader+1))
	}))
	defer s.Close()
	resp, err := opened(t, s).HTTPClient(Limits{}).Get(s.URL)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("accepted")
	}
}

func TestSlowServerIsGivenUp(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-stop
	}))
	defer s.Close()
	defer close(stop)
	resp, err := opened(t, s).HTTPClient(Limits{Timeout: 50 * time.Millisecond}).Get(s.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("got %v", err)
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func TestTLSIsVerifiedAndAtLeast12(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	d := opened(t, s)
	if resp, err := d.HTTPClient(Limits{}).Get(s.URL); err == nil {
		_ = resp.Body.Close()
		t.Error("a certificate of nobody was accepted")
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	resp, err := d.HTTPClient(Limits{TLS: &tls.Config{RootCAs: roots}}).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	roots.AddCert(old.Certificate())
	resp, err = opened(t, old).HTTPClient(Limits{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10}}).Get(old.URL)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("TLS 1.1 was accepted")
	}
}
