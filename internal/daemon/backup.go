package daemon

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/store"
)

// A backup is an age file that holds a tar of these, in this order.
const (
	manifestFile = "manifest.json"
	serviceFile  = "service.key"
)

// maxBackupFile bounds what is unpacked of one file (64 GiB).
const maxBackupFile = 64 << 30

// backupSetting holds when the last backup was made.
const backupSetting = "last_backup"

// Manifest says what a backup is; it is its first file.
type Manifest struct {
	Format      string    `json:"format"` // "nsecbunker-backup/1"
	Version     string    `json:"version"`
	Made        time.Time `json:"made"`
	Tenant      string    `json:"tenant"`
	Incarnation string    `json:"incarnation"`
	Sequence    int64     `json:"sequence"` // of the audit chain
	Head        string    `json:"head"`     // hex
	// Of one bunker of a hosted instance:
	Schema int64  `json:"schema,omitempty"` // of its rows
	Rows   int64  `json:"rows,omitempty"`
	Label  string `json:"label,omitempty"` // the provider's word
}

const backupFormat = "nsecbunker-backup/1"

type backups struct{ t *tenant }

// Create implements admin.Backup: the whole store, consistent while running, with
// the service key and the configuration.
func (b backups) Create(ctx context.Context, r admin.BackupRequest) (admin.BackupFile, error) {
	if b.t.guest() {
		return admin.BackupFile{}, bunker.Errorf(bunker.CodeRestricted, "the store is the provider's")
	}
	recipient, err := recipientOf(r)
	if err != nil {
		return admin.BackupFile{}, err
	}
	tmp, err := os.MkdirTemp(b.t.Dir, ".backup-")
	if err != nil {
		return admin.BackupFile{}, err
	}
	defer os.RemoveAll(tmp)
	db := filepath.Join(tmp, DatabaseFile)
	if err := b.t.store.BackupTo(ctx, db); err != nil {
		return admin.BackupFile{}, err
	}
	// What the copy holds, not what was stored since.
	st, err := store.HeadOfBackup(ctx, db, b.t.id)
	if err != nil {
		return admin.BackupFile{}, err
	}
	m := Manifest{
		Format: backupFormat, Version: b.t.Version, Made: b.t.store.LedgerTime().UTC(), Tenant: string(b.t.id),
		Incarnation: st.Incarnation, Sequence: st.ChainSeq, Head: hex.EncodeToString(st.ChainHead[:]),
	}
	file, err := writeSealed(r.Path, recipient, func(t *tar.Writer) error { return packStore(t, m, db, b.t.Dir) })
	if err != nil {
		return admin.BackupFile{}, err
	}
	return file, b.remember(ctx, m.Made)
}

func (b backups) remember(ctx context.Context, made time.Time) error {
	return b.t.store.Change(ctx, b.t.id, System(), func(tx *store.Tx) error {
		if err := tx.PutSetting(backupSetting, made.Format(time.RFC3339)); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "backup.written"})
	})
}

// Last implements admin.Backup.
func (b backups) Last(ctx context.Context) (time.Time, error) {
	if b.t.guest() {
		return time.Time{}, nil // the provider's, of the whole store
	}
	v, err := b.t.store.Setting(ctx, b.t.id, backupSetting)
	if err != nil || v == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, v)
}

func recipientOf(r admin.BackupRequest) (age.Recipient, error) {
	if r.Recipient != "" {
		rec, err := age.ParseX25519Recipient(r.Recipient)
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeInvalid, "%q is no age recipient; it begins with age1", r.Recipient).In("recipient")
		}
		return rec, nil
	}
	if err := seal.CheckPassphrase(r.Passphrase); err != nil {
		return nil, err
	}
	return age.NewScryptRecipient(string(r.Passphrase))
}

// writeSealed writes what fill packs, to a partial file, and gives it its name when it is whole.
func writeSealed(path string, to age.Recipient, fill func(*tar.Writer) error) (_ admin.BackupFile, err error) {
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return admin.BackupFile{}, bunker.Errorf(bunker.CodeInvalid, "the backup cannot be written to %s: %s", path, reason(err)).In("path")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(partial))
		}
	}()
	sum := counter{h: sha256.New()}
	if err := pack(io.MultiWriter(f, &sum), to, fill); err != nil {
		return admin.BackupFile{}, fmt.Errorf("writing the backup: %w", err)
	}
	if err := f.Sync(); err != nil {
		return admin.BackupFile{}, err
	}
	if err := os.Link(partial, path); err != nil { // fails if path exists: nothing is overwritten
		return admin.BackupFile{}, bunker.Errorf(bunker.CodeConflict, "there is a file at %s already; give another name", path).In("path")
	}
	if err := errors.Join(f.Close(), os.Remove(partial)); err != nil {
		return admin.BackupFile{}, err
	}
	return admin.BackupFile{Path: path, Size: sum.n, SHA256: hex.EncodeToString(sum.h.Sum(nil))}, nil
}

type counter struct {
	h hash.Hash
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.h.Write(p)
}

// pack encrypts what fill packs.
func pack(w io.Writer, to age.Recipient, fill func(*tar.Writer) error) error {
	enc, err := age.Encrypt(w, to)
	if err != nil {
		return err
	}
	t := tar.NewWriter(enc)
	if err := fill(t); err != nil {
		return err
	}
	return errors.Join(t.Close(), enc.Close())
}

func packManifest(t *tar.Writer, m Manifest) error {
	man, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return packBytes(t, manifestFile, man)
}

// packStore packs the whole store, whose copy is db.
func packStore(t *tar.Writer, m Manifest, db, dir string) error {
	if err := packManifest(t, m); err != nil {
		return err
	}
	service, err := seal.ReadServiceKey(dir, os.Getenv("CREDENTIALS_DIRECTORY"))
	if err != nil {
		return err
	}
	defer clear(service)
	if err := packBytes(t, serviceFile, []byte(hex.EncodeToString(service)+"\n")); err != nil {
		return err
	}
	if conf, err := os.ReadFile(filepath.Join(dir, config.File)); err == nil {
		if err := packBytes(t, config.File, conf); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return packFile(t, DatabaseFile, db)
}

func packBytes(t *tar.Writer, name string, b []byte) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := t.Write(b)
	return err
}

func packFile(t *tar.Writer, name, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

// reason is the part of a file error that a person needs.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
