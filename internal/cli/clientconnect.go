package cli

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

// inviteTimeout is how long a nostrconnect:// link waits for somebody to accept.
const inviteTimeout = 10 * time.Minute

func (c *clientApp) connectCmd() *cobra.Command {
	var invite bool
	var relays []string
	cmd := &cobra.Command{
		Use: "connect ['bunker://…']", Short: "log in with a bunker:// link, or print a link of one's own",
		Long: `Logs in with a bunker:// link and remembers the bunker.

With --nostrconnect it prints a link of its own, with its QR code, and waits until a bunker accepts it:
  nsecbunker client connect --nostrconnect --relay wss://relay.example.com`,
		Args: args("[link]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if c.bunker != "" {
					return usage("the link is given twice")
				}
				c.bunker = args[0]
			}
			if invite {
				if c.bunker != "" {
					return usage("--nostrconnect makes a link; it takes none")
				}
				return c.invite(cmd, relays)
			}
			return c.connect(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&invite, "nostrconnect", false, "print a nostrconnect:// link and wait for a bunker to accept it")
	cmd.Flags().StringArrayVar(&relays, "relay", nil, "`URL` of a relay for --nostrconnect (repeatable)")
	cmd.Flags().StringVar(&c.perms, "perms", "", "permissions to wish for, such as sign_event:1,nip44_encrypt")
	cmd.Flags().StringVar(&c.name, "name", "", "what this client calls itself")
	return cmd
}

// connect uses a bunker:// link. A bunker that is known already is asked anew,
// with the same client key.
func (c *clientApp) connect(ctx context.Context) error {
	t, err := parseTarget(c.bunker)
	if err != nil {
		return err
	}
	if t.uri == nil {
		return usage("there is no link to connect with").withHint("nsecbunker client connect 'bunker://…'")
	}
	return c.with(ctx, func(ctx context.Context, l *link) error {
		if l.Session().User.IsZero() {
			if err := c.login(ctx, l, *t.uri); err != nil {
				return err
			}
		}
		return c.connected(l)
	})
}

func (c *clientApp) connected(l *link) error {
	s := l.Session()
	c.say("Connected. Events are signed by:")
	return c.printUser(s.User, s.Remote)
}

// printUser prints the key that signs.
func (c *clientApp) printUser(user, remote nostr.PubKey) error {
	npub := nip19.EncodeNpub(user)
	if c.asJSON {
		return c.json(map[string]string{"npub": npub, "pubkey": user.String(), "bunker": remote.String()})
	}
	return c.line(npub)
}

// invite prints a nostrconnect:// link and waits.
func (c *clientApp) invite(cmd *cobra.Command, relays []string) error {
	if len(relays) == 0 {
		return usage("--nostrconnect needs a relay that the bunker can reach").withHint("add --relay wss://…")
	}
	perms, ignored := nip46.RequestedPermissions(c.perms)
	if len(ignored) > 0 {
		return usage("--perms: %q is no permission", shown(ignored[0], 60))
	}
	timeout := c.timeout
	if !cmd.Flags().Changed("timeout") {
		timeout = inviteTimeout
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	store, err := c.sessions(c.keyFile)
	if err != nil {
		return err
	}
	session, err := nip46.NewSession(store.a)
	if err != nil {
		store.a.Close()
		return err
	}
	l, err := c.newLink(store, session, "")
	if err != nil {
		store.a.Close()
		return err
	}
	defer l.close()
	uri, err := l.Invite(ctx, relays, perms)
	if err != nil {
		return clientError(err)
	}
	c.say("Give this link to the bunker (nsecbunker connect 'nostrconnect://…' --key NAME --perms …); it is good for one use.\n")
	if err := c.line(uri.String()); err != nil {
		return err
	}
	if err := c.qrCode(uri.String()); err != nil {
		c.say("(%s)", err)
	}
	c.say("Waiting for the bunker …")
	if _, err := l.Await(ctx); err != nil {
		return clientError(err)
	}
	l.path = store.path(l.Session().Remote)
	if old, err := store.load(l.path); err == nil {
		old.Destroy()
		if c.keyFile != "" {
			return fail("%s holds another session, which was kept; the new one is lost", l.path).withHint("name a new file with --key-file")
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := store.save(l.path, l.Session()); err != nil {
		return err
	}
	return c.connected(l)
}

func (c *clientApp) pubkeyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "pubkey", Short: "print the npub that events are signed by", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(ctx context.Context, l *link) error {
				user, err := l.GetPublicKey(ctx)
				if err != nil {
					return err
				}
				return c.printUser(user, l.Session().Remote)
			})
		},
	}
}
