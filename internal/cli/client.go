package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// clientTimeout is how long the bundled client waits for an answer: a question
// to a person is answered, or refused, within 30 s.
const clientTimeout = time.Minute

// clientApp is the bundled client: what `nsecbunker client …` shares.
type clientApp struct {
	*app
	bunker  string
	keyFile string
	name    string
	perms   string
	timeout time.Duration
	nip04   bool
	verbose bool
}

func (a *app) clientCmd() *cobra.Command {
	c := &clientApp{app: a}
	cmd := &cobra.Command{
		Use: "client", Short: "sign through any bunker, from scripts",
		Long: `The bundled client signs, encrypts and decrypts through any bunker that speaks NIP-46, this one or another.

It remembers each bunker in a file of mode 0600 under $XDG_CONFIG_HOME/nsecbunker/client, so a link needs to be given once.`,
	}
	f := cmd.PersistentFlags()
	f.StringVar(&c.bunker, "bunker", "", "bunker:// `link`, or the public key of a bunker that is known (default: the only one)")
	f.StringVar(&c.keyFile, "key-file", "", "`file` of the session, instead of the one in the configuration folder")
	f.DurationVar(&c.timeout, "timeout", clientTimeout, "how long to wait for the bunker")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "tell what relays say")
	cmd.AddCommand(c.connectCmd(), c.signCmd(), c.encryptCmd(), c.decryptCmd(), c.pingCmd(), c.pubkeyCmd(), c.logoutCmd())
	return cmd
}

// link is an open line to a bunker.
type link struct {
	*nip46.Client
	store *sessions
	pool  *ws.Pool
	path  string
}

// open connects to the bunker that --bunker names: with the session that is
// kept, else with the link, and keeps the session then.
func (c *clientApp) open(ctx context.Context) (l *link, err error) {
	t, err := parseTarget(c.bunker)
	if err != nil {
		return nil, err
	}
	store, err := c.sessions(c.keyFile)
	if err != nil {
		return nil, err
	}
	session, path, connected, err := store.find(t)
	if err != nil {
		store.a.Close()
		return nil, err
	}
	if l, err = c.newLink(store, session, path); err != nil {
		store.a.Close()
		return nil, err
	}
	if connected {
		return l, nil
	}
	if err := c.login(ctx, l, *t.uri); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// login uses a link. The client's key is on disk before the bunker hears it: who
// is interrupted comes back as the same client, whom the bunker knows.
func (c *clientApp) login(ctx context.Context, l *link, u nip46.BunkerURI) error {
	perms, ignored := nip46.RequestedPermissions(c.perms)
	if len(ignored) > 0 {
		return usage("--perms: %q is no permission", shown(ignored[0], 60))
	}
	if err := l.store.save(l.path, l.Session()); err != nil {
		return err
	}
	if _, err := l.Connect(ctx, u, perms); err != nil {
		return clientError(err)
	}
	return l.store.save(l.path, l.Session())
}

func (c *clientApp) newLink(store *sessions, session nip46.Session, path string) (*link, error) {
	cfg := ws.Config{Now: c.now, Auth: session.Auth}
	if c.verbose {
		var mu sync.Mutex
		cfg.Notice = func(relay, text string) {
			mu.Lock()
			defer mu.Unlock()
			c.say("%s: %s", relay, shown(text, 200))
		}
	}
	pool, err := ws.New(cfg)
	if err != nil {
		return nil, err
	}
	name := c.name
	if name == "" {
		name = "nsecbunker client"
		if host, err := os.Hostname(); err == nil {
			name += " on " + host
		}
	}
	client, err := nip46.NewClient(nip46.Config{
		Transport: pool, Now: c.now, Metadata: nip46.ClientMetadata{Name: name},
		OnAuthURL: func(page string) {
			c.say("The bunker asks you to visit this page, then goes on:\n  %s", shown(page, 2048))
		},
	}, session)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &link{client, store, pool, path}, nil
}

// close ends the line and wipes the key.
func (l *link) close() {
	l.Close()
	l.pool.Close()
	l.Session().Destroy()
	l.store.a.Close()
}

// with runs f on an open line, within --timeout.
func (c *clientApp) with(ctx context.Context, f func(ctx context.Context, l *link) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	l, err := c.open(ctx)
	if err != nil {
		return clientError(err)
	}
	defer l.close()
	if err := f(ctx, l); err != nil {
		return clientError(err)
	}
	return c.refresh(ctx, l)
}

// relaysEvery is how often the bundled client asks a bunker whether it moved to
// other relays: old ones are heard for weeks, not for ever.
const relaysEvery = 24 * time.Hour

// refresh asks for the bunker's relays when that was long ago, and keeps what is
// new. A bunker that does not answer has answered what mattered before.
func (c *clientApp) refresh(ctx context.Context, l *link) error {
	info, err := os.Stat(l.path)
	if err != nil || c.now().Sub(info.ModTime()) < relaysEvery {
		return nil
	}
	short, cancel := context.WithTimeout(ctx, nip46.OldBunkerPatience)
	defer cancel()
	_, _ = l.SwitchRelays(short)
	return l.store.save(l.path, l.Session())
}

// clientError adds what to do next to the errors of the protocol.
func clientError(err error) error {
	var refused *nip46.RemoteError
	var silent *nip46.NoAnswerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		f := fail("%w", err)
		switch prefix, _, _ := strings.Cut(refused.Text, ":"); prefix {
		case "blocked":
			return f.withHint("no permission can allow it: the bunker never does this, for no app")
		case "invalid":
			return f // the request must change, not the permission
		}
		if !strings.Contains(refused.Text, "administrator") && !strings.Contains(refused.Text, "again") {
			return f.withHint("the bunker's administrator may allow it; ask for it again then")
		}
		return f
	case errors.As(err, &silent):
		f := fail("%w", err)
		if errors.Is(err, context.Canceled) {
			return fail("interrupted while waiting for the bunker")
		}
		return f.withHint("check that the bunker runs, or wait longer with --timeout; -v tells what the relays say")
	}
	return err
}

func (c *clientApp) pingCmd() *cobra.Command {
	return &cobra.Command{
		Use: "ping", Short: "ask whether the bunker is there", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(ctx context.Context, l *link) error {
				start := c.now()
				if err := l.Ping(ctx); err != nil {
					return err
				}
				took := c.now().Sub(start)
				if c.asJSON {
					return c.json(map[string]any{"pong": true, "ms": took.Milliseconds()})
				}
				_, err := fmt.Fprintf(c.Out, "pong in %d ms\n", took.Milliseconds())
				return err
			})
		},
	}
}

func (c *clientApp) logoutCmd() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "end the connection and forget the bunker", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.logout(cmd.Context()) },
	}
}

// logout ends the session at the bunker and deletes the file, in any case: who
// logs out wants the key gone.
func (c *clientApp) logout(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	t, err := parseTarget(c.bunker)
	if err != nil {
		return err
	}
	t.uri = nil // a logout connects nobody
	store, err := c.sessions(c.keyFile)
	if err != nil {
		return err
	}
	session, path, _, err := store.find(t)
	if err != nil {
		store.a.Close()
		return err
	}
	l, err := c.newLink(store, session, path)
	if err != nil {
		store.a.Close()
		return err
	}
	defer l.close()
	told := l.Logout(ctx)
	if err := os.Remove(path); err != nil {
		return fail("the bunker was told, but the key file is still there: %w", err)
	}
	if told != nil {
		return fail("the key is deleted here, but the bunker did not confirm: %w", told).withHint("its administrator can revoke the connection")
	}
	c.say("Logged out; the client's key is deleted.")
	return nil
}
