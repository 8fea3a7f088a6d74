package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

const (
	// clientArena is the locked memory, in bytes, that the bundled client takes: a
	// few keys.
	clientArena = 32 << 10
	// maxSessions is how many session files are looked at to find the only one.
	maxSessions = 1000
)

// sessions keeps the bundled client's sessions: one file a bunker, named by the
// bunker's key, or the one file that --key-file names.
type sessions struct {
	dir  string // made when it is needed
	file string // "" but with --key-file
	a    *secret.Arena
}

// sessions finds where sessions are kept. The caller closes the arena.
func (a *app) sessions(keyFile string) (*sessions, error) {
	base, err := a.xdg("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return nil, err
	}
	arena, err := secret.NewArena(clientArena, secret.Options{})
	if err != nil { // a CI container may not lock memory; the session lies in a file anyway
		if arena, err = secret.NewArena(clientArena, secret.Options{AllowSwap: true}); err != nil {
			return nil, err
		}
	}
	return &sessions{filepath.Join(base, "nsecbunker", "client"), keyFile, arena}, nil
}

// path is the file of the session with a bunker.
func (s *sessions) path(remote nostr.PubKey) string {
	if s.file != "" {
		return s.file
	}
	return filepath.Join(s.dir, remote.String()+".json")
}

// load reads a session; fs.ErrNotExist when there is none. Others must not be
// able to read the file.
func (s *sessions) load(path string) (nip46.Session, error) {
	f, err := os.Open(path)
	if err != nil {
		return nip46.Session{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nip46.Session{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nip46.Session{}, fail("%s can be read by others (mode %04o)", path, info.Mode().Perm()).withHint("chmod 600 %s", path)
	}
	b, err := readAll(context.Background(), f, nip46.MaxSession)
	if err != nil {
		return nip46.Session{}, err
	}
	session, err := nip46.ParseSession(s.a, b)
	if err != nil {
		return nip46.Session{}, fail("%s: %w", path, err).withHint("move the file away and connect again with a new link")
	}
	return session, nil
}

// save writes a session whole or not at all, for its owner only.
func (s *sessions) save(path string, session nip46.Session) error {
	b, err := session.Encode()
	if err != nil {
		return err
	}
	defer secret.Wipe(b)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keeping the session: %w", err)
	}
	if err := replaceFile(path, b); err != nil {
		return fmt.Errorf("keeping the session: %w", err)
	}
	return nil
}

// replaceFile puts a file, mode 0600, in the place of one that may be there: whole
// or not at all.
func replaceFile(path string, b []byte) error {
	part := path + "." + strings.ToLower(rand.Text()[:8]) + ".part"
	err := writeNew(part, b)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

// writeNew writes a file that must not exist, mode 0600, and waits for the disk.
func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// only returns the path of the one session that there is.
func (s *sessions) only() (string, error) {
	if s.file != "" {
		return s.file, nil
	}
	d, err := os.Open(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoSession()
	}
	if err != nil {
		return "", err
	}
	defer d.Close()
	names, err := d.Readdirnames(maxSessions)
	if err != nil && len(names) == 0 {
		return "", errNoSession()
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		_, err := nostr.ParsePubKey(strings.TrimSuffix(n, ".json"))
		return err != nil || !strings.HasSuffix(n, ".json")
	})
	slices.Sort(names)
	switch len(names) {
	case 0:
		return "", errNoSession()
	case 1:
		return filepath.Join(s.dir, names[0]), nil
	}
	return "", fail("this client knows %d bunkers; say which", len(names)).
		withHint("add --bunker with its link or its public key, for example --bunker %s", strings.TrimSuffix(names[0], ".json"))
}

func errNoSession() *failure {
	return fail("this client is not connected to a bunker").
		withHint("nsecbunker client connect 'bunker://…', with a link that `nsecbunker token create` prints")
}

// target is the bunker that --bunker names: by a bunker:// link, or by the
// public key of one that is known.
type target struct {
	remote nostr.PubKey // zero: the only one
	uri    *nip46.BunkerURI
}

func parseTarget(text string) (target, error) {
	switch nip46.Recognise(text) {
	case nip46.FormBunker:
		u, err := nip46.ParseBunkerURI(text)
		if err != nil {
			return target{}, usage("--bunker: %s", err)
		}
		return target{u.Remote, &u}, nil
	case nip46.FormUnknown, nip46.FormNpub:
		if text == "" {
			return target{}, nil
		}
		if key, err := nip19.ParsePublicKey(text); err == nil {
			return target{key, nil}, nil
		}
	}
	if f := nip46.Recognise(text); f != nip46.FormUnknown {
		return target{}, usage("--bunker wants a bunker:// link; this is %s", f)
	}
	return target{}, usage("--bunker wants a bunker:// link, or the public key of a bunker that is known here")
}

// find loads the session of a target; connected is false when it is new.
func (s *sessions) find(t target) (session nip46.Session, path string, connected bool, err error) {
	if t.remote.IsZero() {
		if path, err = s.only(); err != nil {
			return nip46.Session{}, "", false, err
		}
	} else {
		path = s.path(t.remote)
	}
	session, err = s.load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && t.uri != nil:
		session, err = nip46.NewSession(s.a)
		return session, path, false, err
	case errors.Is(err, fs.ErrNotExist):
		return nip46.Session{}, "", false, errNoSession()
	case err != nil:
		return nip46.Session{}, "", false, err
	case t.uri == nil && !session.Connected():
		return nip46.Session{}, "", false, errNoSession()
	case !t.remote.IsZero() && session.Connected() && session.Remote != t.remote:
		return nip46.Session{}, "", false, fail("%s is the session with another bunker (%s)", path, session.Remote).
			withHint("name another file with --key-file")
	}
	return session, path, session.Connected(), nil
}
