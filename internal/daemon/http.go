package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"nsecbunker/internal/web"
)

const (
	// headerTimeout is how long the header of a request may take to come.
	headerTimeout = 10 * time.Second
	// bodyTimeout is how long a request may take to come with its body.
	bodyTimeout = 30 * time.Second
	// answerTimeout is how long an answer may take, from the header on: longer than the longest
	// command of a script.
	answerTimeout = 3 * time.Minute
	// maxHeader is the largest header, in bytes.
	maxHeader = 16 << 10
	// closeTimeout is how long the server waits for what it answers when it ends.
	closeTimeout = 5 * time.Second
	// maxPlain is how many connections there are that are no websockets, which the embedded
	// relay counts. Of more, the oldest makes room.
	maxPlain = 2048
)

// listen opens the address of the embedded relay; a port in use is told in one
// sentence.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port in use: something else listens on %s; stop it, or start with --listen 127.0.0.1:0 or another port", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; give another address with --listen", addr, err)
	}
	return l, nil
}

// edge is the HTTP edge: the embedded relay, the admin app if it is served, the door for scripts, and a health check.
type edge struct {
	mux      *http.ServeMux
	server   *http.Server
	listener net.Listener
	cert     string
	key      string
}

func newEdge(l net.Listener, relay, app, script http.Handler, healthy, ready func() error, cert, key string, log *slog.Logger) *edge {
	mux := http.NewServeMux()
	mux.Handle("/", relay)
	if app != nil {
		mux.Handle(web.Path, app)
	}
	mux.Handle(web.ScriptPath, script)
	mux.HandleFunc("GET /healthz", probe(healthy, "not healthy"))
	mux.HandleFunc("GET /readyz", probe(ready, "not ready"))
	return &edge{mux: mux, listener: l, cert: cert, key: key, server: newServer(mux, log)}
}

// probe answers ok, or with words and 503 while check fails. Why is for the log and
// for those who may ask.
func probe(check func() error, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if check() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, words)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnState:         newPlainConns(maxPlain).state,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// openNumbers makes the numbers for Prometheus, and their address where one is
// configured.
func (d *Daemon) openNumbers(context.Context) error {
	d.metrics = newMetrics(d)
	if d.Config.Metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", d.Config.Metrics)
	if err != nil {
		return fmt.Errorf("listening on %s for metrics: %w; give another address with metrics_listen", d.Config.Metrics, err)
	}
	d.numbers = &edge{listener: l, server: newServer(d.metrics.handler(), d.Log)}
	return nil
}

// MetricsAddr is where the numbers are served; "": nowhere.
func (d *Daemon) MetricsAddr() string {
	if d.numbers == nil {
		return ""
	}
	return d.numbers.listener.Addr().String()
}

// Run serves until ctx ends.
func (e *edge) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if e.server.Shutdown(late) != nil {
			e.server.Close()
		}
	})
	defer stop()
	var err error
	if e.cert != "" {
		err = e.server.ServeTLS(e.listener, e.cert, e.key)
	} else {
		err = e.server.Serve(e.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving HTTP: %w", err)
}
