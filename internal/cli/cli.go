// Package cli is the command line: what people and scripts type. It talks to a
// running bunker over the unix socket in the data folder and decides nothing
// about authority.
//
// stdout is data, stderr is talk; --json makes the data JSON. Exit codes: 0 done,
// 1 refused or failed, 2 not understood, 3 the bunker is not running, 4 noted: it
// waits for more persons.
package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/secret"
)

// Exit codes.
const (
	exitOK         = 0
	exitFailed     = 1 // refused or failed
	exitUsage      = 2 // the command line was not understood
	exitNotRunning = 3 // nobody listens on the socket
	exitWaits      = 4 // the yes is stored; more persons must say it
)

// Config is one run of the program.
type Config struct {
	Args []string // without the program's name
	Streams
	Version string                   // of the program
	Getenv  func(name string) string // the environment
	Now     func() time.Time         // the wall clock; nil: time.Now. Tests set it.
}

// app is one run on its way: what flags and environment say.
type app struct {
	Streams
	version string
	getenv  func(string) string
	now     func() time.Time
	dial    func(ctx context.Context, a *app) (Caller, error)
	// openServer opens the daemon; tests put another there.
	openServer func(ctx context.Context, o serverOptions) (server, error)
	// reaches asks a relay for its word; tests ask none.
	reaches func(ctx context.Context, relay string) error

	data           string // --data
	asJSON         bool   // --json
	yes            bool   // --yes
	passphraseFile string // --passphrase-file
	remote         remoteFlags
	afar           *remoteLine // to another machine's bunker; one for the whole run

	proved    secret.Param // the bunker's passphrase, once it was given
	stdinAll  []byte       // secrets on stdin
	lines     []byte       // what is left of them
	stdinRead bool
}

// Main runs one command line and returns the exit code.
func Main(ctx context.Context, c Config) int {
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &app{Streams: c.Streams, version: c.Version, getenv: c.Getenv, now: c.Now, dial: dialBunker, openServer: openDaemon}
	a.reaches = a.reach
	defer a.forget()
	return a.run(ctx, c.Args)
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	return a.finish(root.ExecuteContext(ctx))
}

// Groups of commands in the help.
const (
	groupRun    = "run"
	groupKeys   = "keys"
	groupAsk    = "ask"
	groupAdmin  = "admin"
	groupClient = "client"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "nsecbunker",
		Short: "keeps Nostr keys and signs for apps, so that no app ever holds a key",
		Long: `nsecBunker keeps Nostr keys and signs for apps, so that no app ever holds a key (NIP-46).

  nsecbunker start                starts it; the first start asks what it needs
  nsecbunker key add herald       makes a key
  nsecbunker token create herald --client coracle --perms all
                                  prints the link to paste into the app
  nsecbunker approvals            shows what apps ask for

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 not understood, 3 not running,
4 noted: it waits for more persons (nsecbunker quorum).`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&a.data, "data", "", "data `folder` (default $NSECBUNKER_DATA, else "+defaultDataWords+")")
	root.PersistentFlags().BoolVar(&a.asJSON, "json", false, "print results as JSON")
	a.remoteFlags(root)
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Running the bunker:"},
		&cobra.Group{ID: groupKeys, Title: "Keys and apps:"},
		&cobra.Group{ID: groupAsk, Title: "What apps ask for:"},
		&cobra.Group{ID: groupAdmin, Title: "Administration:"},
		&cobra.Group{ID: groupClient, Title: "Using a bunker:"},
	)
	root.SetHelpCommand(helpCmd(root))
	setHelp(root)
	a.commands(root)
	for _, c := range root.Commands() {
		a.finishTree(c)
	}
	group(root)
	return root
}

// helpCmd is another way to say --help.
func helpCmd(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [command]", Short: "help about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usage("there is no command %q", shown("nsecbunker "+strings.Join(args, " "), 100)).withHint("nsecbunker --help")
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// commands hangs every command below root.
func (a *app) commands(root *cobra.Command) {
	add := func(id string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	add(groupRun, a.startCmd(), a.setupCmd(), a.unsealCmd(), a.sealCmd(), a.stopCmd(), a.statusCmd(), a.doctorCmd(), a.instanceCmd(), a.configCmd())
	add(groupKeys, a.keyCmd(), a.tokenCmd(), a.connectCmd(), a.connectionCmd(), a.policyCmd())
	add(groupAsk, a.approvalsCmd(), a.approveCmd(), a.denyCmd(), a.loginCmd(), a.watchCmd())
	add(groupAdmin, a.adminCmd(), a.quorumCmd(), a.seatCmd(), a.deviceCmd(), a.sessionCmd(), a.relayCmd(), a.notifyCmd(), a.passphraseCmd(), a.auditCmd(), a.backupCmd(), a.migrateStoreCmd(), a.walletCmd(), a.leaveCmd(), a.clockCmd(), a.tenantCmd(), a.orderCmd(), a.planCmd())
	add(groupClient, a.clientCmd())
	root.AddCommand(a.completionCmd(), a.limitsCmd(), a.versionCmd())
}

// finishTree gives every command below c our manners: wrong arguments are usage
// errors, and a command that only groups others says so.
func (a *app) finishTree(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	if c.HasSubCommands() {
		group(c)
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageOf(c, "%s", err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		a.finishTree(sub)
	}
}

// group makes c print its help when nothing follows, and refuse what is no
// command of it.
func group(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	run := c.RunE
	if run == nil {
		c.Annotations = map[string]string{groupsOnly: "yes"}
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 && run != nil {
			return run(c, args)
		}
		if len(args) == 0 {
			return c.Help()
		}
		err := usage("there is no command %q", c.CommandPath()+" "+shown(args[0], 60))
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return err.withHint("did you mean: %s %s", c.CommandPath(), strings.Join(near, ", "))
		}
		return err.withHint("%s --help", c.CommandPath())
	}
	if c.SuggestionsMinimumDistance == 0 {
		c.SuggestionsMinimumDistance = 2
	}
}

// args wants exactly the named arguments; names in brackets may be left out.
func args(names ...string) cobra.PositionalArgs {
	least := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
	}
	return func(_ *cobra.Command, got []string) error {
		switch {
		case len(got) < least:
			return fmt.Errorf("%s is missing", names[len(got)])
		case len(got) > len(names):
			return fmt.Errorf("%q is one too many", shown(got[len(names)], 60))
		}
		return nil
	}
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version and what computes signatures", Args: args(),
		RunE: func(*cobra.Command, []string) error { return a.printVersion() },
	}
}
