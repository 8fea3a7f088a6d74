package daemon

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"nsecbunker/internal/web"
)

// The admin app is not reached by anybody until it is asked for.
func TestTheAdminAppIsServedOnlyWhereItIsAskedFor(t *testing.T) {
	relay := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	app, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		app  http.Handler
		want int
	}{{nil, http.StatusTeapot}, {app, http.StatusOK}} {
		e := newEdge(nil, relay, c.app, http.NotFoundHandler(), func() error { return nil }, func() error { return nil }, "", "", slog.New(slog.DiscardHandler))
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+web.Path, nil)
		w := httptest.NewRecorder()
		e.server.Handler.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("with %T: %d, want %d", c.app, w.Code, c.want)
		}
	}
}
