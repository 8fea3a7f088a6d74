package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"nsecbunker/internal/remote"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

// adminKey is the key that a person administers with, wherever it is: it is
// opened when something has to be signed, and not before.
type adminKey struct {
	a     *app
	arena *secret.Arena
	// source names the key without telling it: the file's path, or the bunker's key.
	source string
	path   string
	bunker string // a bunker:// link
	sk     *nostr.SecretKey
	link   *link
}

// maxKeyFile is the longest file with a key, in bytes.
const maxKeyFile = 8 << 10

// openAdminKey finds the admin's key; nil when none is named.
func (a *app) openAdminKey(arena *secret.Arena) (*adminKey, error) {
	name := a.remote.adminKey
	if name == "" {
		name = a.getenv("NSECBUNKER_ADMIN_KEY")
	}
	switch {
	case name == "":
		return nil, nil
	case isLink(name):
		t, err := parseTarget(name)
		if err != nil {
			return nil, err
		}
		return &adminKey{a: a, arena: arena, bunker: name, source: "bunker " + t.remote.String()}, nil
	case strings.HasPrefix(name, "nsec1") || strings.HasPrefix(name, "ncryptsec1"):
		return nil, usage("--admin-key takes a file with your key, not the key: others on this machine could read it").
			withHint("put it into a file: chmod 600 FILE")
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("--admin-key: there is no file %s", path)
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o077 != 0:
		return nil, fail("%s can be read by others (mode %04o)", path, info.Mode().Perm()).withHint("chmod 600 %s", path)
	}
	return &adminKey{a: a, arena: arena, path: path, source: "file " + path}, nil
}

func (k *adminKey) close() {
	if k == nil {
		return
	}
	if k.sk != nil {
		k.sk.Destroy()
	}
	if k.link != nil {
		k.link.close()
	}
}

// Sign implements remote.Signer.
func (k *adminKey) Sign(ctx context.Context, t *nostr.Template) (*nostr.Event, error) {
	if k.bunker != "" {
		return k.signAfar(ctx, t)
	}
	if k.sk == nil {
		if err := k.read(ctx); err != nil {
			return nil, err
		}
	}
	ev := t.Event(k.sk.PubKey())
	return ev, k.sk.Sign(ev)
}

// read opens the file.
func (k *adminKey) read(ctx context.Context) error {
	f, err := os.Open(k.path)
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := readAll(ctx, f, maxKeyFile)
	if err != nil {
		return err
	}
	defer secret.Wipe(all)
	raw, err := k.raw(ctx, bytes.TrimSpace(all))
	if err != nil {
		return err
	}
	k.sk, err = nostr.NewSecretKey(k.arena, raw)
	return err
}

// raw returns the 32 bytes of a key in one of its forms, for the caller to wipe.
func (k *adminKey) raw(ctx context.Context, text []byte) ([]byte, error) {
	form, err := recognise(text)
	switch {
	case err != nil:
		return nil, fail("%s: %s", k.path, publicWords(err))
	case form.phrase:
		return nil, fail("%s holds a recovery phrase; a key is needed", k.path).withHint("nsec1…, ncryptsec1… or 64 hex digits")
	case form.password:
		p, err := k.a.secret(ctx, "Password of the key in "+k.path+":")
		if err != nil {
			return nil, err
		}
		defer p.Wipe()
		raw, _, err := nip49.Decrypt(text, p, nip49.Scrypt)
		return raw, err
	case len(text) == 64:
		raw := make([]byte, 32)
		_, err := hex.Decode(raw, text)
		return raw, err
	}
	return nip19.DecodeNsec(text)
}

// signAfar asks the bunker that holds the admin's key.
func (k *adminKey) signAfar(ctx context.Context, t *nostr.Template) (*nostr.Event, error) {
	if k.link == nil {
		c := &clientApp{app: k.a, bunker: k.bunker, timeout: clientTimeout}
		l, err := c.open(ctx)
		if err != nil {
			return nil, clientError(err)
		}
		k.link = l
	}
	w := remote.Waiting{Ask: k.link.SignEvent, Say: func(words string) { k.a.say("%s", words) }}
	ev, err := w.Sign(ctx, t)
	return ev, clientError(err)
}
