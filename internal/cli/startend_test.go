package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endingServer is asked to end while it is being set up: the set-up then fails on
// parts that have ended.
type endingServer struct {
	stop  context.CancelFunc
	ended chan struct{}
}

func (s *endingServer) State() string { return stateNotSetUp }

func (s *endingServer) Dispatch(context.Context, string, []byte) (any, error) {
	s.stop()
	<-s.ended
	return nil, errors.New("there is nothing here any more")
}

func (s *endingServer) SetupCode() string                       { return "" }
func (s *endingServer) ConnectionString() string                { return "" }
func (s *endingServer) ListenURL() string                       { return "" }
func (s *endingServer) AdminPages() []string                    { return nil }
func (s *endingServer) TestRelay(context.Context, string) error { return nil }

func (s *endingServer) Run(ctx context.Context) error {
	<-ctx.Done()
	close(s.ended)
	return nil
}

// TestAStartThatIsToldToEndWhileItSetsUpEndsInOrder: who sends SIGTERM in that moment
// (a service manager, at an upgrade) is told of no error.
func TestAStartThatIsToldToEndWhileItSetsUpEndsInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(file, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var talk bytes.Buffer
	a := &app{
		Streams: Streams{In: strings.NewReader(""), Out: &talk, Err: &talk}, getenv: func(string) string { return "" },
		openServer: func(context.Context, serverOptions) (server, error) {
			return &endingServer{stop: stop, ended: make(chan struct{})}, nil
		},
	}
	defer a.forget()
	if code := a.run(ctx, []string{"start", "--data", filepath.Join(dir, "data"), "--passphrase-file", file}); code != 0 {
		t.Errorf("exit code %d: %s", code, talk.String())
	}
	if !strings.Contains(talk.String(), "Stopped.") {
		t.Errorf("it did not say that it stopped: %s", talk.String())
	}
}

// TestAStartThatIsToldToEndWhileItOpensEndsInOrder, as well.
func TestAStartThatIsToldToEndWhileItOpensEndsInOrder(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var talk bytes.Buffer
	a := &app{
		Streams: Streams{In: strings.NewReader(""), Out: &talk, Err: &talk}, getenv: func(string) string { return "" },
		openServer: func(context.Context, serverOptions) (server, error) {
			stop()
			return nil, errors.New("reading was broken off")
		},
	}
	defer a.forget()
	if code := a.run(ctx, []string{"start", "--data", filepath.Join(t.TempDir(), "data")}); code != 0 {
		t.Errorf("exit code %d: %s", code, talk.String())
	}
}
