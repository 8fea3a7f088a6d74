package cli

import (
	"context"

	"github.com/spf13/cobra"

	"nsecbunker/internal/secret"
)

func (a *app) setupCmd() *cobra.Command {
	var relays, admins []string
	var code string
	cmd := &cobra.Command{
		Use: "setup", Short: "set up a bunker that was started without a terminal", Args: args(),
		Long: `Sets up a running bunker that is not set up: its passphrase, relays and first admins.

What is not said here is as it was given to start (--relay, --admin). On a terminal it asks; else it takes the passphrase from --passphrase-file, or from the first line of stdin.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd.Context(), relays, admins, code) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&relays, "relay", nil, "`URL` of a relay that apps shall use (repeatable)")
	f.StringArrayVar(&admins, "admin", nil, "`npub` of an admin; the first one is an owner (repeatable)")
	f.StringVar(&code, "setup-code", "", "with --remote: the setup `code` that the bunker's log shows")
	return a.proofFlag(cmd)
}

func (a *app) setUp(ctx context.Context, relays, admins []string, code string) (err error) {
	for _, n := range admins {
		if err := checkNpub("--admin", n); err != nil {
			return err
		}
	}
	if code == "" { // who comes from afar may not look before he is known
		var st statusView
		if err := a.call(ctx, "status", nil, &st); err != nil {
			return err
		}
		if st.State != stateNotSetUp {
			return fail("the bunker is set up already (%s)", shown(st.State, 30)).withHint("nsecbunker status")
		}
	}
	urls, err := normalRelays(relays)
	if err != nil {
		return usage("--relay: %s", words(err))
	}
	p := setupParams{Relays: urls, Code: secret.Param(code)}
	defer func() { p.Passphrase.Wipe() }()
	switch {
	case a.passphraseFile != "":
		p.Passphrase, err = readSecretFile(a.passphraseFile)
	case a.interactive():
		err = a.askSetup(ctx, &p, &admins)
	default:
		p.Passphrase, err = a.nextSecret(ctx, "the new passphrase of the bunker:")
	}
	if err != nil {
		return err
	}
	p.Admins = setupAdmins(admins)
	return show(ctx, a, "setup", p, func(r setupAnswer) error {
		a.say("The bunker is set up.\n" + connectionStringWords)
		if err := a.line(r.ConnectionString); err != nil {
			return err
		}
		if a.interactive() {
			if err := a.qrCode(r.ConnectionString); err != nil {
				a.say("(%s)", err)
			}
		}
		a.say("Next: nsecbunker key add NAME makes your first key.")
		return nil
	})
}

// askSetup asks for what the flags do not say. What is left open here is as it
// was given to `start`.
func (a *app) askSetup(ctx context.Context, p *setupParams, admins *[]string) (err error) {
	const given = "as given to start, else "
	if p.Passphrase, err = a.choosePassphrase(ctx); err != nil {
		return err
	}
	if len(p.Relays) == 0 {
		a.say("\n2. Relays\n   Apps reach the bunker through relays, from anywhere. Without any, only apps\n   on this machine can.\n")
		if p.Relays, err = a.askRelays(ctx, given); err != nil {
			return err
		}
	}
	*admins, err = a.chooseAdmins(ctx, *admins, given)
	a.say("\nSetting up …")
	return err
}
