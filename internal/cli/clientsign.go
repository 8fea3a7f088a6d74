package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

func (c *clientApp) signCmd() *cobra.Command {
	var content, kind string
	var tags []string
	var at int64
	cmd := &cobra.Command{
		Use: "sign [--bunker 'bunker://…'] -c TEXT [-k KIND] [-t NAME=VALUE]…", Short: "have an event signed and print it",
		Long: `Has an event signed and prints it as JSON.

The event is made of -c, -k and -t, or read as JSON from stdin:
  nsecbunker client sign --bunker 'bunker://…' -c 'hello'
  echo '{"kind":1,"content":"hello","tags":[],"created_at":1793000000}' | nsecbunker client sign`,
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := &nostr.Template{CreatedAt: c.now().Unix(), Content: content, Tags: nostr.Tags{}}
			f := cmd.Flags()
			if !f.Changed("content") && !f.Changed("kind") && !f.Changed("tag") {
				if c.interactive() {
					return usageOf(cmd, "there is nothing to sign: give a text with -c, or an event on stdin")
				}
				var err error
				if t, err = c.readTemplate(cmd.Context()); err != nil {
					return err
				}
			} else if err := fillTemplate(t, kind, tags); err != nil {
				return err
			}
			if f.Changed("created-at") {
				t.CreatedAt = at
			}
			return c.sign(cmd.Context(), t)
		},
	}
	cmd.Flags().StringVarP(&content, "content", "c", "", "the event's `text`")
	cmd.Flags().StringVarP(&kind, "kind", "k", "1", "the event's `kind`")
	cmd.Flags().StringArrayVarP(&tags, "tag", "t", nil, "a `tag`: name=value, or a JSON array of strings (repeatable)")
	cmd.Flags().Int64Var(&at, "created-at", 0, "the event's time, in Unix `seconds` (default: now)")
	return cmd
}

func fillTemplate(t *nostr.Template, kind string, tags []string) error {
	k, ok := nostr.ParseKind(kind)
	if !ok {
		return usage("-k: %q is no kind: a number from 0 to 65535", shown(kind, 60))
	}
	t.Kind = k
	for _, text := range tags {
		tag, err := parseTag(text)
		if err != nil {
			return err
		}
		t.Tags = append(t.Tags, tag)
	}
	return nil
}

// parseTag reads name=value, or a JSON array of strings.
func parseTag(text string) (nostr.Tag, error) {
	if strings.HasPrefix(text, "[") {
		var tag nostr.Tag
		if err := json.Unmarshal([]byte(text), &tag); err != nil || len(tag) == 0 || tag[0] == "" {
			return nil, usage("-t: %q is no JSON array of strings that begins with a name", shown(text, 60))
		}
		return tag, nil
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return nil, usage("-t: %q is no tag; write name=value", shown(text, 60))
	}
	return nostr.Tag{name, value}, nil
}

// readTemplate reads an event to be signed from stdin; a time of now is added
// when it has none, for whoever writes events by hand.
func (c *clientApp) readTemplate(ctx context.Context) (*nostr.Template, error) {
	b, err := c.stdin(ctx)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimSpace(b)
	var there map[string]json.RawMessage
	if json.Unmarshal(b, &there) == nil && len(b) > 1 {
		b = b[:len(b)-1]
		for name, value := range map[string]string{"created_at": fmt.Sprint(c.now().Unix()), "tags": "[]", "content": `""`} {
			if _, ok := there[name]; !ok {
				if len(there) > 0 {
					b = append(b, ',')
				}
				b = fmt.Appendf(b, "%q:%s", name, value)
				there[name] = nil
			}
		}
		b = append(b, '}')
	}
	t, err := nostr.ParseTemplate(b)
	if err != nil {
		return nil, fail("what stdin holds is no event: %w", err).
			withHint(`an event is JSON such as {"kind":1,"content":"hello","tags":[]}; or give the text with -c`)
	}
	return t, nil
}

func (c *clientApp) sign(ctx context.Context, t *nostr.Template) error {
	return c.with(ctx, func(ctx context.Context, l *link) error {
		e, err := l.SignEvent(ctx, t)
		if err != nil {
			return err
		}
		return c.line(string(e.AppendJSON(nil)))
	})
}

func (c *clientApp) encryptCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "encrypt PEER [TEXT]", Short: "encrypt a text to somebody (NIP-44)",
		Long: "Encrypts a text from the bunker's user to PEER (npub or hex). Without TEXT it is read from stdin, which keeps it out of the list of processes.",
		Args: args("PEER", "[TEXT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.crypt(cmd.Context(), args, func(ctx context.Context, l *link, peer nostr.PubKey, text string) (string, error) {
				if c.nip04 {
					return l.NIP04Encrypt(ctx, peer, text)
				}
				return l.NIP44Encrypt(ctx, peer, text)
			})
		},
	}
	cmd.Flags().BoolVar(&c.nip04, "nip04", false, "the old form, NIP-04")
	return cmd
}

func (c *clientApp) decryptCmd() *cobra.Command {
	return &cobra.Command{
		Use: "decrypt PEER [CIPHERTEXT]", Short: "decrypt what somebody sent (NIP-44, NIP-04)",
		Long: "Decrypts what PEER (npub or hex) sent to the bunker's user, in either form. Without CIPHERTEXT it is read from stdin.",
		Args: args("PEER", "[CIPHERTEXT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.crypt(cmd.Context(), args, func(ctx context.Context, l *link, peer nostr.PubKey, text string) (string, error) {
				text = strings.TrimSpace(text)
				if strings.Contains(text, "?iv=") {
					return l.NIP04Decrypt(ctx, peer, text)
				}
				return l.NIP44Decrypt(ctx, peer, text)
			})
		},
	}
}

// crypt runs one operation with a peer on a text from the arguments or stdin,
// and prints its result.
func (c *clientApp) crypt(ctx context.Context, args []string, f func(context.Context, *link, nostr.PubKey, string) (string, error)) error {
	peer, err := publicKey("PEER", args[0])
	if err != nil {
		return err
	}
	var text string
	if len(args) > 1 {
		text = args[1]
	} else {
		b, err := c.stdin(ctx)
		if err != nil {
			return err
		}
		text = string(b)
		secret.Wipe(b)
	}
	return c.with(ctx, func(ctx context.Context, l *link) error {
		out, err := f(ctx, l, peer, text)
		if err != nil {
			return err
		}
		if c.asJSON {
			return c.json(map[string]string{"result": out})
		}
		return c.line(out)
	})
}
