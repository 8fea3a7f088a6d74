package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/remote"
	"nsecbunker/internal/secret"
)

// remoteFlags are for driving a bunker from another machine.
type remoteFlags struct {
	target   string // --remote
	adminKey string // --admin-key
	label    string // --device-label
	// confirmWith is --confirm-passphrase-file.
	confirmWith string
	accepting   bool // the login accepts an invitation
}

// confirmPatience is how long a new device waits to be confirmed.
const confirmPatience = adminwire.PairingLife

func (a *app) remoteFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.remote.target, "remote", "", "administer another machine's bunker by its connection `string` (default $NSECBUNKER_REMOTE)")
	f.StringVar(&a.remote.adminKey, "admin-key", "", "with --remote: `file` with your key (nsec, hex or ncryptsec, mode 0600), or a bunker:// link (default $NSECBUNKER_ADMIN_KEY)")
	f.StringVar(&a.remote.label, "device-label", "", "with --remote: what this device calls itself (default: the host's `name`)")
	f.StringVar(&a.remote.confirmWith, "confirm-passphrase-file", "", "with --remote: `file` with the bunker's passphrase, to confirm this device with when it is new")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.checkRemote(cmd) }
}

// hereOnly are the commands that work on this machine alone.
func hereOnly() []string {
	return []string{"start", "migrate-store", "doctor", "config", "client", "limits", "version", "completion", "help"}
}

// staysHere reports commands that work on this machine alone.
func staysHere(c *cobra.Command) bool {
	top := c
	for top.HasParent() && top.Parent().HasParent() {
		top = top.Parent()
	}
	return slices.Contains(hereOnly(), top.Name()) || c.CommandPath() == "nsecbunker backup restore"
}

// checkRemote refuses --remote where it would be ignored.
func (a *app) checkRemote(cmd *cobra.Command) error {
	if a.remote.target == "" {
		if f := cmd.Flags().Lookup("remote"); f != nil && f.Changed {
			return usage("--remote is empty; this machine's bunker may not be the one that is meant")
		}
		return nil
	}
	if staysHere(cmd) {
		return usage("%s works on this machine only; it takes no --remote", cmd.CommandPath())
	}
	return nil
}

// dialBunker reaches the bunker that the flags and the environment name: another
// machine's, else that of the data folder.
func dialBunker(ctx context.Context, a *app) (Caller, error) {
	target := a.remoteTarget()
	if target == "" {
		return dialSocket(ctx, a)
	}
	if a.afar == nil {
		l, err := a.dialRemote(ctx, target)
		if err != nil {
			return nil, err
		}
		a.afar = l
	}
	return keptLine{a.afar}, nil
}

// keptLine is a session that stays open for the next call of the same run.
type keptLine struct{ *remoteLine }

// Close implements Caller: hangUp ends the session.
func (keptLine) Close() error { return nil }

// hangUp ends the session with another machine's bunker, if there is one.
func (a *app) hangUp() {
	if a.afar != nil {
		_ = a.afar.Close() // it ends by itself, too
		a.afar = nil
	}
}

// remoteTarget is the connection string of the bunker that is meant; "" for this
// machine's.
func (a *app) remoteTarget() string {
	if a.remote.target == "" && a.data == "" { // --data says which one is meant
		return a.getenv("NSECBUNKER_REMOTE")
	}
	return a.remote.target
}

// remoteLine is an open session, with what it needs to be closed.
type remoteLine struct {
	*remote.Client
	arena *secret.Arena
	key   *adminKey
}

// Close implements Caller.
func (l *remoteLine) Close() error {
	err := l.Client.Close()
	l.key.close()
	l.arena.Close()
	return err
}

// dialRemote logs in, and waits until this device is confirmed when it is new.
func (a *app) dialRemote(ctx context.Context, text string) (l *remoteLine, err error) {
	target, err := adminwire.ParseConnectionString(unlinked(text))
	if err != nil {
		return nil, usage("--remote: %s", err)
	}
	arena, err := newClientArena()
	if err != nil {
		return nil, err
	}
	key, err := a.openAdminKey(arena)
	if err != nil {
		arena.Close()
		return nil, err
	}
	l = &remoteLine{arena: arena, key: key}
	if l.Client, err = a.login(ctx, target, l); err != nil {
		key.close()
		arena.Close()
		return nil, err
	}
	if err := a.known(ctx, l.Client); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// login opens a session with the device's key of this bunker and admin.
func (a *app) login(ctx context.Context, target adminwire.ConnectionString, l *remoteLine) (*remote.Client, error) {
	dev, err := a.openDevice(target, l.key)
	if err != nil {
		return nil, err
	}
	if l.key == nil && target.Pairing == nil && !dev.paired() {
		return nil, usage("--remote needs your key to log in with").withHint("add --admin-key FILE (or set NSECBUNKER_ADMIN_KEY), or pair this device: nsecbunker device pair, on the bunker's machine")
	}
	label := a.remote.label
	if label == "" {
		label = "nsecbunker"
		if host, err := os.Hostname(); err == nil {
			label += " on " + host
		}
	}
	cfg := remote.Config{
		Target: target, Device: dev.key, Label: label, Origin: "the nsecbunker command line", Arena: l.arena, Now: a.now,
		Resume: target.Pairing == nil && target.Invite == "" && (l.key == nil || a.now().Sub(dev.login()) < adminwire.LoginLife-time.Hour),
	}
	if l.key != nil {
		cfg.Signer = l.key
	}
	c, err := remote.Dial(ctx, cfg)
	if err != nil {
		return nil, remoteError(err, l.key == nil)
	}
	if a.remote.accepting {
		a.say("Your key is an admin of this bunker now.")
	}
	if c.Signed() || target.Pairing != nil {
		if err := dev.loggedIn(a.now(), target.Pairing != nil); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// known waits until somebody confirms a device that is new to the bunker.
func (a *app) known(ctx context.Context, c *remote.Client) error {
	if c.Confirmed() {
		return nil
	}
	a.say("This device is new to the bunker. It shows the code:\n\n    %s\n", c.Code())
	switch c.Ready().State {
	case "not set up":
		a.say("The bunker is not set up. That takes the setup code of its log, and confirms this device: nsecbunker setup --setup-code CODE")
		return nil
	case "sealed":
		a.say("The bunker is sealed, too. Its passphrase opens it and confirms this device; or do both on its machine: nsecbunker unseal, nsecbunker device confirm %s", c.Code())
	default:
		a.say("To confirm it, run this on the bunker's machine, or where you are logged in already: nsecbunker device confirm %s", c.Code())
	}
	done, err := a.confirmHere(ctx, c)
	if err != nil || done {
		return err
	}
	a.say("Waiting …")
	ctx, cancel := context.WithTimeout(ctx, confirmPatience)
	defer cancel()
	if err := c.AwaitConfirmation(ctx); errors.Is(err, context.DeadlineExceeded) {
		return fail("nobody confirmed this device within ten minutes").withHint("run the command again for another code")
	} else if err != nil {
		return err
	}
	a.say("Confirmed.")
	return nil
}

// confirmHere confirms this device with the bunker's passphrase, if it is given.
func (a *app) confirmHere(ctx context.Context, c *remote.Client) (bool, error) {
	var p secret.Param
	var err error
	switch {
	case a.remote.confirmWith != "":
		p, err = readSecretFile(a.remote.confirmWith)
	case a.interactive():
		p, err = a.secret(ctx, "Or type the bunker's passphrase here (Enter: wait):")
	}
	if err != nil || len(p) == 0 {
		return false, err
	}
	defer p.Wipe()
	body, err := encode(struct {
		Passphrase secret.Param `json:"passphrase"`
	}{p})
	if err != nil {
		return false, err
	}
	defer secret.Wipe(body)
	if err := c.Call(ctx, "device.confirm", body, nil, nil); err != nil {
		return false, err
	}
	a.say("Confirmed.")
	return true, c.AwaitConfirmation(ctx)
}

// remoteError tells why nobody is logged in.
func remoteError(err error, paired bool) error {
	var refused *remote.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Why.Words == adminwire.NotAnAdmin:
		f := fail("your key is no admin of this bunker").withHint("have an owner name you: nsecbunker admin add NPUB --role ROLE")
		f.cause = err
		return f
	case errors.As(err, &refused):
		return refused.Why
	case errors.Is(err, remote.ErrSilent) && paired:
		return fail("the bunker does not answer: it is not running, its relays do not carry its messages, or this device's pairing is over").
			withHint("pair it again: nsecbunker device pair, on the bunker's machine")
	case errors.Is(err, remote.ErrSilent):
		f := fail("the bunker does not answer: it is not running, or its relays do not carry its messages").withHint("check the connection string against the one that nsecbunker status prints")
		f.code, f.class, f.cause = exitNotRunning, "not-running", err
		return f
	}
	return err
}

// newClientArena is the locked memory of a command that holds a few keys.
func newClientArena() (*secret.Arena, error) {
	arena, err := secret.NewArena(clientArena, secret.Options{})
	if err != nil { // a CI container may not lock memory
		arena, err = secret.NewArena(clientArena, secret.Options{AllowSwap: true})
	}
	return arena, err
}

// publicWords is an error of the bunker as one line.
func publicWords(err error) string {
	var b *bunker.Error
	if errors.As(err, &b) {
		return shown(b.Words, maxShownError)
	}
	return shown(fmt.Sprint(err), maxShownError)
}

// isLink reports a bunker:// link.
func isLink(s string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(s)), "bunker://")
}
