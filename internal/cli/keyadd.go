package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

type keyAddParams struct {
	Name       string       `json:"name"`
	Passphrase secret.Param `json:"passphrase,omitempty"`
	NoExport   bool         `json:"no_export,omitempty"`
	Default    string       `json:"default,omitempty"`
}

type keyImportParams struct {
	Name       string       `json:"name"`
	Passphrase secret.Param `json:"passphrase,omitempty"`
	NoExport   bool         `json:"no_export,omitempty"`
	Default    string       `json:"default,omitempty"`
	Secret     secret.Param `json:"secret"`
	Password   secret.Param `json:"password,omitempty"`
	Account    uint32       `json:"account,omitempty"`
	Relays     []string     `json:"relays,omitempty"`
	NoBase     bool         `json:"no_baseline,omitempty"`
}

func (p *keyImportParams) wipe() {
	p.Passphrase.Wipe()
	p.Secret.Wipe()
	p.Password.Wipe()
}

func (a *app) keyAddCmd() *cobra.Command {
	var p keyImportParams
	var imported, generate, own, mnemonicPassphrase, deny bool
	cmd := &cobra.Command{
		Use: "add NAME", SuggestFor: []string{"import", "generate", "create", "new", "make"}, Short: "make a key, or import one", Args: args("NAME"),
		Long: `Makes a key, or imports one.

With --import the key is read from the terminal without showing it, or from stdin (its password on a second line); never from the command line, where every
program on the machine could read it. An nsec, an ncryptsec (NIP-49), a recovery phrase (NIP-06) and hex are told apart by themselves.

The profile and lists of an imported account are fetched from the bunker's relays and from --baseline-relay, so that the guard can tell what an app would wipe.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Name = args[0]
			if deny {
				p.Default = "deny"
			}
			defer p.wipe()
			switch {
			case imported && generate:
				return usageOf(cmd, "--import and --generate exclude each other")
			case imported:
				return a.keyImport(cmd.Context(), &p, own, mnemonicPassphrase)
			case cmd.Flags().Changed("account") || mnemonicPassphrase || p.NoBase || len(p.Relays) > 0:
				return usageOf(cmd, "--account, --phrase-passphrase, --baseline-relay and --no-baseline go with --import")
			}
			return a.keyGenerate(cmd.Context(), &p, own)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&imported, "import", false, "import a key: nsec, ncryptsec, recovery phrase or hex, from the terminal or stdin")
	f.BoolVar(&generate, "generate", false, "make a new key (what happens without --import)")
	f.BoolVar(&p.NoExport, "no-export", false, "the key can never leave the bunker, for ever")
	f.BoolVar(&own, "passphrase", false, "ask for a second passphrase, for this key alone")
	f.BoolVar(&deny, "deny", false, "deny what no permission covers, instead of asking")
	f.Uint32Var(&p.Account, "account", 0, "account of a recovery phrase (m/44'/1237'/`N`'/0/0)")
	f.BoolVar(&mnemonicPassphrase, "phrase-passphrase", false, "the recovery phrase has a passphrase of its own: ask for it")
	f.StringArrayVar(&p.Relays, "baseline-relay", nil, "ask this `relay`, too, for the account's profile and lists")
	f.BoolVar(&p.NoBase, "no-baseline", false, "ask no relay for the account's profile and lists")
	return a.proofFlag(cmd)
}

func (a *app) keyGenerate(ctx context.Context, p *keyImportParams, own bool) (err error) {
	if own {
		if p.Passphrase, err = a.newPassphrase(ctx, "Passphrase of the key "+shown(p.Name, bunkerName)); err != nil {
			return err
		}
	}
	return show(ctx, a, "key.add", keyAddParams{p.Name, p.Passphrase, p.NoExport, p.Default}, a.keyAdded)
}

// keyAdded prints the npub, which is what the world knows the key by.
func (a *app) keyAdded(r keyAnswer) error {
	if r.Baseline != nil {
		if err := a.sayBaseline(*r.Baseline); err != nil {
			return err
		}
	}
	a.say("The key %s is ready. Its npub:", name(r.Key.Name))
	if err := a.line(r.Key.Npub); err != nil {
		return err
	}
	a.say("Next: nsecbunker token create %s --client NAME --perms all", name(r.Key.Name))
	return nil
}

func (a *app) keyImport(ctx context.Context, p *keyImportParams, own, phrasePassphrase bool) (err error) {
	if p.Secret, err = a.nextSecret(ctx, "The key (nsec, ncryptsec, recovery phrase or hex; it is not shown):"); err != nil {
		return err
	}
	form, err := recognise(p.Secret)
	if err != nil {
		return err
	}
	a.say("That is %s.", form.words)
	switch {
	case form.password:
		p.Password, err = a.nextSecret(ctx, "Its password:")
	case form.phrase && phrasePassphrase:
		p.Password, err = a.nextSecret(ctx, "The phrase's own passphrase:")
	case !form.phrase && (phrasePassphrase || p.Account != 0):
		return usage("--account and --phrase-passphrase are for recovery phrases; this is %s", form.words)
	}
	if err != nil {
		return err
	}
	if own {
		if p.Passphrase, err = a.newPassphrase(ctx, "Passphrase of the key "+shown(p.Name, bunkerName)); err != nil {
			return err
		}
	}
	return show(ctx, a, "key.import", p, a.keyAdded)
}

// secretForm is what a secret was recognised as.
type secretForm struct {
	words    string
	password bool
	phrase   bool
}

// recognise tells what was typed, by its shape, before it is sent; the bunker
// reads it. No error repeats a part of it.
func recognise(s []byte) (secretForm, error) {
	t := bytes.TrimSpace(s)
	lower := bytes.ToLower(t[:min(len(t), len("ncryptsec1"))])
	defer secret.Wipe(lower)
	switch {
	case len(t) == 0:
		return secretForm{}, fail("nothing was typed")
	case bytes.HasPrefix(lower, []byte(nip49.HRP+"1")):
		info, err := nip49.Inspect(t)
		if err != nil {
			return secretForm{}, fail("%w", err)
		}
		return secretForm{words: fmt.Sprintf("an encrypted key (ncryptsec, scrypt 2^%d)", info.LogN), password: true}, nil
	case bytes.HasPrefix(lower, []byte("nsec1")):
		return secretForm{words: "an nsec"}, nil
	case bytes.ContainsAny(t, " \t"):
		return secretForm{words: fmt.Sprintf("a recovery phrase of %d words", len(bytes.Fields(t))), phrase: true}, nil
	case len(t) == 64 && !bytes.ContainsFunc(t, notHex):
		return secretForm{words: "a key in hex"}, nil
	}
	return secretForm{}, fail("this is no private key, but %s", nip19.Describe(t)).
		withHint("an nsec1…, an ncryptsec1…, 12 to 24 words, or 64 hex digits")
}

func notHex(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F')
}

// needsKeyPassphrase tells the refusal of a key with a passphrase of its own from
// that of a command that needs the bunker's.
func needsKeyPassphrase(err error) bool {
	var refused *bunker.Error
	return errors.As(err, &refused) && refused.Code == bunker.CodeNeedsProof && refused.Field == "passphrase"
}
