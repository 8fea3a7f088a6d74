package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/secret"
)

// The states of a bunker, as the daemon and `status` name them.
const (
	stateNotSetUp = "not set up"
	stateSealed   = "sealed"
	stateUnsealed = "unsealed"
)

// server is the daemon as start sees it.
type server interface {
	// State is not set up, sealed or unsealed.
	State() string
	// Dispatch runs an admin command as whoever sits at this machine.
	Dispatch(ctx context.Context, name string, params []byte) (any, error)
	SetupCode() string
	ConnectionString() string
	ListenURL() string
	// AdminPages are the addresses of the admin app; none when it is not served.
	AdminPages() []string
	// TestRelay pairs the bunker with itself through a relay.
	TestRelay(ctx context.Context, url string) error
	// Run runs everything until ctx ends.
	Run(ctx context.Context) error
}

// serverOptions are what a server is opened with.
type serverOptions struct {
	dir     string
	config  config.Config
	log     *slog.Logger
	version string
	admins  []string // given at start, for the set-up
	now     func() time.Time
}

// starting is one `start` on its way.
type starting struct {
	*app
	relays    []string
	admins    []string
	listen    string
	database  string
	shared    bool
	allowSwap bool
	noPage    bool
	hosted    bool

	gate *gate
	log  *slog.Logger
	s    server
}

func (a *app) startCmd() *cobra.Command {
	s := &starting{app: a}
	cmd := &cobra.Command{
		Use: "start", Short: "start the bunker and hold this terminal", Args: args(),
		Long: `Starts the bunker and holds this terminal until it is interrupted.

The first start on a terminal asks for what it needs: a passphrase, relays, the first admin. With a passphrase from a file it sets
itself up without questions; without terminal and passphrase it waits to be set up and prints a setup code (nsecbunker setup).
Later starts ask for the passphrase. Until it is given, the bunker runs sealed and tells apps so; it can also be opened from
another terminal (nsecbunker unseal).

The passphrase comes from --passphrase-file, else the file that $NSECBUNKER_PASSPHRASE_FILE names, else the systemd credential
` + credentialName + `, else the terminal. Flags come before config.toml (nsecbunker config).

The store lies in the data folder (SQLite), or in a PostgreSQL database. The database's password is never given on the command line, where
others could read it: it comes from $PGPASSWORD, or from the file that $PGPASSFILE names (~/.pgpass).`,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&s.relays, "relay", nil, "`URL` of a relay that apps shall use, taken over at the first start (repeatable)")
	f.StringVar(&s.listen, "listen", "", "`address` of the embedded relay (default from config.toml, else 127.0.0.1:4848)")
	f.StringVar(&s.database, "database", "", "`URL` of a PostgreSQL database for the store (default from config.toml, else SQLite in the data folder); no password in it")
	f.BoolVar(&s.shared, "shared", false, "other instances use the same database at the same time, and say so, too (also: shared in config.toml)")
	f.StringArrayVar(&s.admins, "admin", nil, "`npub` of an admin, taken over at the first start (repeatable)")
	f.StringVar(&a.passphraseFile, "passphrase-file", "", "`file` with the passphrase")
	f.BoolVar(&s.noPage, "no-admin-app", false, "do not serve the admin app (also: admin_app in config.toml)")
	f.BoolVar(&s.hosted, "hosted", false, "host bunkers for others beside this one, see nsecbunker tenant (also: hosted in config.toml)")
	f.BoolVar(&s.allowSwap, "allow-swap", false, "run although secrets cannot be locked into memory")
	return cmd
}

// credentialName is the systemd credential that holds the passphrase.
const credentialName = "nsecbunker-passphrase"

// shortCredentialName is the same in a unit that has no other passphrase.
const shortCredentialName = "passphrase"

// configure reads the configuration, and the flags over it.
func (s *starting) configure(dir string) (config.Config, error) {
	c, err := config.Load(dir)
	if err != nil {
		return c, fail("%w", err)
	}
	if s.listen != "" {
		c.Listen = s.listen
	}
	if s.database != "" {
		c.Database = s.database
	}
	c.Shared = c.Shared || s.shared
	if len(s.relays) > 0 {
		c.Relays = s.relays
	}
	c.AllowSwap = c.AllowSwap || s.allowSwap
	c.Hosted = c.Hosted || s.hosted
	c.AdminApp = c.AdminApp && !s.noPage
	if s.asJSON {
		c.LogFormat = "json"
	}
	if err := c.Check(); err != nil {
		return c, usage("%s", err)
	}
	for _, npub := range s.admins {
		if err := checkNpub("--admin", npub); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (s *starting) run(ctx context.Context) (err error) {
	dir, err := s.dataDir()
	if err != nil {
		return err
	}
	passphrase, err := s.givenPassphrase()
	if err != nil {
		return err
	}
	defer passphrase.Wipe()
	c, err := s.configure(dir)
	if err != nil {
		return err
	}
	s.relays = c.Relays
	privateFiles()
	out, isFile := s.Err.(*os.File)
	talks := isFile && term.IsTerminal(int(out.Fd()))
	s.gate = &gate{w: s.Err}
	if talks {
		s.gate.hold()
		defer s.gate.release()
	}
	s.log = newLog(s.gate, c.LogLevel, c.LogFormat, talks)
	if s.s, err = s.openServer(ctx, serverOptions{dir, c, s.log, s.version, s.admins, s.now}); err != nil {
		if ctx.Err() != nil {
			return nil // it is to end, and what was under way was broken off
		}
		return explainStart(err)
	}
	asked := ctx // to end, by whoever started it
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.tendGarbage(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.s.Run(ctx); cancel() }()
	openErr := s.ready(ctx, dir, passphrase)
	if openErr != nil && asked.Err() != nil {
		openErr = nil // it is to end, and what was under way fails on parts that have ended
	}
	if openErr != nil {
		cancel()
	} else {
		s.gate.release()
	}
	runErr := <-ended
	if openErr != nil && !errors.Is(openErr, context.Canceled) {
		return openErr
	}
	if runErr != nil {
		return fail("%w", runErr)
	}
	s.say("Stopped.")
	return nil
}

// explainStart gives the errors of opening, which are sentences, our form.
func explainStart(err error) error {
	var f *failure
	var b *bunker.Error
	if errors.As(err, &f) || errors.As(err, &b) {
		return err
	}
	return fail("%w", err)
}

// givenPassphrase is the passphrase that needs no question; nil without one.
func (s *starting) givenPassphrase() (secret.Param, error) {
	if s.passphraseFile != "" {
		return readSecretFile(s.passphraseFile)
	}
	if path := s.getenv("NSECBUNKER_PASSPHRASE_FILE"); path != "" {
		return readSecretFile(path)
	}
	if dir := s.getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		for _, n := range []string{credentialName, shortCredentialName} {
			path := filepath.Join(dir, n)
			if _, err := os.Stat(path); err == nil {
				return readSecretFile(path)
			}
		}
	}
	return nil, nil
}

// ready brings the bunker to where it works: set up and unsealed, or tells what
// it waits for.
func (s *starting) ready(ctx context.Context, dir string, passphrase secret.Param) error {
	switch state := s.s.State(); {
	case state == stateNotSetUp && len(passphrase) > 0:
		err := s.setUpAlone(ctx, passphrase)
		if err != nil && ctx.Err() == nil && s.s.State() != stateNotSetUp { // another instance did, that was started at the same time
			return s.ready(ctx, dir, passphrase)
		}
		return err
	case state == stateNotSetUp && s.interactive():
		return s.firstRun(ctx, dir)
	case state == stateNotSetUp:
		s.waitForSetup()
		return nil
	case state == stateUnsealed:
		s.announce("The bunker runs.")
		s.tellAdminApp()
		return nil
	case len(passphrase) > 0:
		if err := s.unseal(ctx, passphrase); err != nil {
			if ctx.Err() != nil {
				return ctx.Err() // it is to end; the passphrase may be right
			}
			// It goes on sealed: a service manager that starts it again and again would
			// only spend the tries.
			s.log.Error("the passphrase that was given does not open the bunker; it runs sealed", "error", words(err))
			return nil
		}
		s.announce("The bunker runs, unsealed.")
		s.tellAdminApp()
		return nil
	case s.interactive():
		return s.askToUnseal(ctx)
	}
	s.announce("The bunker runs sealed: it tells apps so and signs nothing until it gets the passphrase (nsecbunker unseal).")
	return nil
}

// announce says a sentence to a person, or to the log where machines read.
func (s *starting) announce(text string, facts ...any) {
	if s.asJSON {
		s.log.Info(text, facts...)
		return
	}
	s.say("%s", text)
}

// tellAdminApp tells a person where the admin app is.
func (s *starting) tellAdminApp() {
	if s.asJSON {
		s.log.Info("the admin app", "pages", s.s.AdminPages())
		return
	}
	s.sayAdminApp(s.s.AdminPages())
}

func (s *starting) waitForSetup() {
	code := s.s.SetupCode()
	if s.asJSON {
		s.log.Info("not set up", "setup_code", code, "connection_string", s.s.ConnectionString())
		return
	}
	s.say("The bunker runs, but it is not set up: it has no passphrase and no keys yet.")
	s.say("Set it up on this machine: nsecbunker setup")
	s.say("Or from elsewhere, with the first admin's key: nsecbunker --remote 'CONNECTION STRING' --admin-key FILE setup --setup-code CODE")
	for _, page := range s.s.AdminPages() {
		s.say("Or in a browser, with the first admin's Nostr extension: %s", page)
	}
	s.say("Setup code: %s", code)
	s.say("Connection string: %s", s.s.ConnectionString())
}

func (s *starting) unseal(ctx context.Context, passphrase secret.Param) error {
	return s.dispatch(ctx, "unseal", struct {
		Passphrase secret.Param `json:"passphrase"`
	}{passphrase}, nil)
}

// pollUnsealed is how often is looked whether somebody else unsealed.
const pollUnsealed = 300 * time.Millisecond

// errUnsealedElsewhere ends the question for the passphrase.
var errUnsealedElsewhere = errors.New("unsealed from elsewhere")

// askToUnseal asks for the passphrase while the bunker already runs sealed, until
// it is right or somebody gave it elsewhere.
func (s *starting) askToUnseal(ctx context.Context) error {
	s.say("The bunker runs sealed. It signs nothing until it gets the passphrase.")
	s.tellAdminApp()
	asking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		t := time.NewTicker(pollUnsealed)
		defer t.Stop()
		for {
			select {
			case <-asking.Done():
				return
			case <-t.C:
				if s.s.State() == stateUnsealed {
					stop(errUnsealedElsewhere)
					return
				}
			}
		}
	}()
	for {
		p, err := s.secret(asking, "Passphrase:")
		if errors.Is(err, errUnsealedElsewhere) {
			s.say("Unsealed from another terminal. The bunker runs.")
			return nil
		}
		if err != nil {
			return err
		}
		if len(p) == 0 {
			continue
		}
		err = s.unseal(ctx, p)
		p.Wipe()
		if err == nil {
			s.say("Unsealed. The bunker runs; Ctrl-C stops it.")
			return nil
		}
		s.say("%s", words(err))
	}
}

// dispatch runs an admin command in this process.
func (s *starting) dispatch(ctx context.Context, name string, params, result any) error {
	body, err := encode(params)
	if err != nil {
		return err
	}
	defer secret.Wipe(body)
	answer, err := s.s.Dispatch(ctx, name, body)
	if err != nil || result == nil {
		return err
	}
	return reread(answer, result)
}
