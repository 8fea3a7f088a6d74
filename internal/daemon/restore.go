package daemon

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
)

// BackupKey opens a backup: one of the two is set.
type BackupKey struct {
	Passphrase []byte
	Identity   string // an age identity, AGE-SECRET-KEY-1…
}

// maxScryptWork bounds what a foreign backup can make us work: 2^18 is age's own
// figure, two steps more are read.
const maxScryptWork = 20

func (k BackupKey) identity() (age.Identity, error) {
	if k.Identity != "" {
		id, err := age.ParseX25519Identity(k.Identity)
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeInvalid, "that is no age identity; it begins with AGE-SECRET-KEY-1")
		}
		return id, nil
	}
	id, err := age.NewScryptIdentity(string(k.Passphrase))
	if err != nil {
		return nil, bunker.Errorf(bunker.CodeInvalid, "the backup's passphrase is missing")
	}
	id.SetMaxWorkFactor(maxScryptWork)
	return id, nil
}

// VerifyBackup reads a backup to its end and checks the database in it. It says
// what the backup is.
func VerifyBackup(ctx context.Context, file string, k BackupKey, log *slog.Logger) (Manifest, error) {
	tmp, err := os.MkdirTemp("", "nsecbunker-verify-")
	if err != nil {
		return Manifest{}, err
	}
	defer os.RemoveAll(tmp)
	m, err := unpack(file, k, tmp)
	if err != nil {
		return Manifest{}, err
	}
	return m, withRestored(ctx, tmp, log, func(s *store.Store) error {
		if err := sound(ctx, s, m); err != nil {
			return err
		}
		return sameHead(ctx, s, m)
	})
}

// sound reports whether what a backup holds can be relied on. It is sealed, so
// MACs are checked at its unseal.
func sound(ctx context.Context, s *store.Store, m Manifest) error {
	found, err := s.Check(ctx, bunker.TenantID(m.Tenant))
	if err != nil {
		return err
	}
	if !found.Sound() {
		return bunker.Errorf(bunker.CodeInvalid, "the backup's database is damaged, or its log was altered; use another backup")
	}
	return nil
}

func sameHead(ctx context.Context, s *store.Store, m Manifest) error {
	st, _, err := s.Tenant(ctx, bunker.TenantID(m.Tenant))
	if err != nil {
		return err
	}
	if st.ChainSeq != m.Sequence || hex.EncodeToString(st.ChainHead[:]) != m.Head {
		return bunker.Errorf(bunker.CodeInvalid, "the backup's database is not the one that its manifest names; use another backup")
	}
	return nil
}

// Restore puts a backup into a data folder that holds no bunker, and opens a new
// incarnation: keys locked, connections suspended until an owner has looked at
// them, tokens void, older requests refused (security.md section 3).
func Restore(ctx context.Context, file string, k BackupKey, dir string, log *slog.Logger) (Manifest, error) {
	if err := makeFolder(dir); err != nil {
		return Manifest{}, err
	}
	for _, name := range []string{DatabaseFile, serviceFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return Manifest{}, bunker.Errorf(bunker.CodeConflict, "%s holds a bunker already; restore into an empty folder with --data", dir)
		}
	}
	tmp, err := os.MkdirTemp(dir, ".restore-")
	if err != nil {
		return Manifest{}, err
	}
	defer os.RemoveAll(tmp)
	m, err := unpack(file, k, tmp)
	if err != nil {
		return Manifest{}, err
	}
	err = withRestored(ctx, tmp, log, func(s *store.Store) error {
		if err := sound(ctx, s, m); err != nil {
			return err
		}
		if err := sameHead(ctx, s, m); err != nil {
			return err
		}
		return openIncarnations(ctx, s, m)
	})
	if err != nil {
		return Manifest{}, err
	}
	if err := withoutCommands(filepath.Join(tmp, config.File), log); err != nil {
		return Manifest{}, err
	}
	// The database goes last: only then is there a bunker in the folder.
	for _, name := range []string{serviceFile, config.File, DatabaseFile} {
		err := os.Rename(filepath.Join(tmp, name), filepath.Join(dir, name))
		if err != nil && !(name == config.File && errors.Is(err, os.ErrNotExist)) {
			return Manifest{}, fmt.Errorf("putting %s in place: %w", name, err)
		}
	}
	return m, nil
}

// openIncarnations opens the new life of every bunker of a restored store.
func openIncarnations(ctx context.Context, s *store.Store, m Manifest) error {
	ids, err := s.TenantIDs(ctx)
	for _, id := range ids {
		err = errors.Join(err, s.OpenIncarnation(ctx, id, Local(), "backup of "+m.Made.Format(time.RFC3339)))
	}
	return err
}

// withoutCommands takes the external commands out of a restored configuration:
// whoever wrote the backup must not choose what this machine runs.
func withoutCommands(path string, log *slog.Logger) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := config.Parse(b)
	if err != nil {
		return fmt.Errorf("the backup's %s: %w", config.File, err)
	}
	if len(c.Commands) == 0 {
		return nil
	}
	log.Warn("the backup's external commands were left out of config.toml; add those that you want", "commands", len(c.Commands))
	c.Commands = map[string][]string{}
	if b, err = c.Print(); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// withRestored opens the store of an unpacked backup, sealed.
func withRestored(ctx context.Context, dir string, log *slog.Logger, f func(*store.Store) error) error {
	return withServiceKey(dir, "", func(v *vault.Vault) (err error) {
		s, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, DatabaseFile), Auth: v, Flags: v, Now: time.Now, Log: log, Ready: withTenants(v)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return f(s)
	})
}

// offlineArena is the memory for the keys of a store that is not served: the service
// keys of ten thousand tenants fit. It may be swapped.
const offlineArena = 8 << 20

// withServiceKey runs f with a vault that holds the service key of a data folder, or
// of the credentials of a unit, and nothing else: for work on a store that is not
// served.
func withServiceKey(dir, credentials string, f func(*vault.Vault) error) error {
	arena, err := secret.NewArena(offlineArena, secret.Options{AllowSwap: true})
	if err != nil {
		return err
	}
	defer arena.Close()
	// It talks with nobody: room for one conversation fits the small arena.
	v, err := vault.New(vault.Config{Arena: arena, Now: time.Now, ConversationKeys: 1})
	if err != nil {
		return err
	}
	defer v.Close()
	service, err := seal.ReadServiceKey(dir, credentials)
	if err != nil {
		return err
	}
	if err := v.OpenService(bunker.SelfHosted, service); err != nil {
		return err
	}
	return f(v)
}

// unpack decrypts a backup into dir and returns its manifest.
func unpack(file string, k BackupKey, dir string) (m Manifest, err error) {
	id, err := k.identity()
	if err != nil {
		return m, err
	}
	f, err := os.Open(file)
	if err != nil {
		return m, bunker.Errorf(bunker.CodeNotFound, "the backup %s cannot be read: %s", file, reason(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	plain, err := age.Decrypt(f, id)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return m, bunker.Errorf(bunker.CodeInvalid, "the passphrase or identity does not open this backup; nothing was changed").WithCause(err)
	}
	if err != nil {
		return m, bunker.Errorf(bunker.CodeInvalid, "%s is no whole backup: %s", file, strings.TrimPrefix(err.Error(), "age: "))
	}
	return unpackTar(tar.NewReader(plain), file, dir)
}

func unpackTar(t *tar.Reader, file, dir string) (m Manifest, err error) {
	damaged := func(why string) error {
		return bunker.Errorf(bunker.CodeInvalid, "%s is no whole backup: %s; use another one", file, why)
	}
	seen := map[string]bool{}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, damaged(err.Error())
		}
		switch h.Name {
		case manifestFile:
			if err := json.NewDecoder(io.LimitReader(t, 1<<16)).Decode(&m); err != nil || m.Format != backupFormat {
				return m, damaged("its manifest is not one of ours, or of a newer nsecbunker")
			}
		case serviceFile, config.File, DatabaseFile:
			if seen[h.Name] || h.Size > maxBackupFile {
				return m, damaged("it has two " + h.Name + ", or one that is too large")
			}
			if err := writeFile(filepath.Join(dir, h.Name), t); err != nil {
				return m, err
			}
		default:
			return m, damaged("it holds a file that does not belong there")
		}
		seen[h.Name] = true
	}
	if !seen[manifestFile] || !seen[serviceFile] || !seen[DatabaseFile] {
		return m, damaged("it is not complete")
	}
	return m, nil
}

func writeFile(path string, r io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, r); err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "the backup could not be unpacked whole: %s", reason(err))
	}
	return f.Sync()
}
