package daemon

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
)

// One bunker of a hosted instance as a file: an age file that holds a tar of the
// manifest, its service key and its rows, in this order.
const (
	parcelFormat = "nsecbunker-bunker/1"
	rowsFile     = "rows.jsonl.gz"
	// parcelFolder begins the name of the folder, in the data folder, that one is unpacked in.
	parcelFolder = ".parcel-"
	// parcelScryptWork bounds what a foreign file can make a running instance work: age's own
	// figure.
	parcelScryptWork = 18
	// maxParcel bounds what is unpacked of the rows (16 GiB).
	maxParcel = 16 << 30
)

// dropParcels removes what a process left that ended while it packed or unpacked one.
func (d *Daemon) dropParcels() error {
	there, err := os.ReadDir(d.Dir)
	for _, e := range there {
		if strings.HasPrefix(e.Name(), parcelFolder) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(d.Dir, e.Name())))
		}
	}
	return err
}

// writeParcel packs a guest, of one moment. It is one at a time: a passphrase costs
// memory.
func (d *Daemon) writeParcel(ctx context.Context, id bunker.TenantID, write func(fill func(*tar.Writer) error) error) error {
	h, err := d.store.HostedTenant(ctx, id)
	if err != nil {
		return err
	}
	if h.EndedAt != 0 {
		return bunker.Errorf(bunker.CodeConflict, "the bunker %s has ended", id)
	}
	d.parcels.Lock()
	defer d.parcels.Unlock()
	tmp, err := os.MkdirTemp(d.Dir, parcelFolder)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, rowsFile)
	head, err := d.writeRows(ctx, id, path)
	if err != nil {
		return err
	}
	m := Manifest{
		Format: parcelFormat, Version: d.Version, Made: d.store.LedgerTime().UTC(), Tenant: string(id), Label: h.Label, Incarnation: head.Incarnation,
		Sequence: head.Sequence, Head: hex.EncodeToString(head.Head[:]), Schema: head.Schema, Rows: head.Rows,
	}
	return write(func(t *tar.Writer) error {
		if err := packManifest(t, m); err != nil {
			return err
		}
		service, err := d.vault.TenantService(d.home.id, id, h.Service)
		if err != nil {
			return err
		}
		defer secret.Wipe(service)
		text := hex.AppendEncode(nil, service)
		defer secret.Wipe(text)
		if err := packBytes(t, serviceFile, text); err != nil {
			return err
		}
		return packFile(t, rowsFile, path)
	})
}

func (d *Daemon) writeRows(ctx context.Context, id bunker.TenantID, path string) (h store.ParcelHead, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := gzip.NewWriter(f)
	if h, err = d.store.WriteParcel(ctx, id, z); err != nil {
		return h, err
	}
	return h, z.Close()
}

// BackupTenant implements [admin.TenantBackup].
func (h house) BackupTenant(ctx context.Context, id bunker.TenantID, r admin.BackupRequest) (file admin.BackupFile, err error) {
	to, err := recipientOf(r)
	if err != nil {
		return file, err
	}
	err = h.d.writeParcel(ctx, id, func(fill func(*tar.Writer) error) error {
		file, err = writeSealed(r.Path, to, fill)
		return err
	})
	return file, err
}

// Export implements [admin.Backup].
func (b backups) Export(ctx context.Context, passphrase []byte, most int64) ([]byte, error) {
	to, err := recipientOf(admin.BackupRequest{Passphrase: passphrase})
	if err != nil {
		return nil, err
	}
	out := &bounded{most: most}
	err = b.t.writeParcel(ctx, b.t.id, func(fill func(*tar.Writer) error) error { return pack(out, to, fill) })
	if out.over {
		return nil, bunker.Errorf(bunker.CodeRestricted, "the bunker with its log is larger than %d MiB, which is the most that is handed out from afar; ask your provider for its backup (tenant backup)", most>>20)
	}
	return out.Bytes(), err
}

// bounded is a buffer that takes so much.
type bounded struct {
	bytes.Buffer
	most int64
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(b.Len()+len(p)) > b.most {
		b.over = true
		return 0, errors.New("it is too large")
	}
	return b.Buffer.Write(p)
}

// parcel is an unpacked file of one bunker.
type parcel struct {
	Manifest
	service []byte
	rows    string // where they lie
	rest    string // where those lie that are not of its log
	log     int64  // how many records that has
}

// unpackParcel decrypts and unpacks one into a folder.
func unpackParcel(r admin.RestoreRequest, dir string) (p parcel, err error) {
	k := BackupKey{Passphrase: r.Passphrase, Identity: strings.TrimSpace(string(r.Identity))}
	id, err := k.identity()
	if err != nil {
		return p, err
	}
	if s, ok := id.(*age.ScryptIdentity); ok {
		s.SetMaxWorkFactor(parcelScryptWork)
	}
	f, err := os.Open(r.Path)
	if err != nil {
		return p, bunker.Errorf(bunker.CodeNotFound, "the file %s cannot be read: %s", r.Path, reason(err)).In("path")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	plain, err := age.Decrypt(f, id)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return p, bunker.Errorf(bunker.CodeInvalid, "the passphrase or identity does not open this file; nothing was changed").WithCause(err)
	}
	if err != nil {
		return p, notWhole(err)
	}
	return readParcel(plain, dir)
}

func notWhole(why error) error {
	return bunker.Errorf(bunker.CodeInvalid, "this is no whole bunker that was backed up or exported alone: %s", bunker.Display(strings.TrimPrefix(why.Error(), "age: "), 200)).
		WithHint("a backup of a whole store is restored with: nsecbunker backup restore FILE").In("path")
}

// readParcel reads the three files in their order, to the end: only then it is known
// that nothing was cut off.
func readParcel(plain io.Reader, dir string) (p parcel, err error) {
	t := tar.NewReader(plain)
	for _, name := range []string{manifestFile, serviceFile, rowsFile} {
		h, err := t.Next()
		if err == nil && h.Name != name {
			err = fmt.Errorf("%q is not where %s should be", bunker.Display(h.Name, 40), name)
		}
		if err != nil {
			return p, notWhole(err)
		}
		switch name {
		case manifestFile:
			if err := json.NewDecoder(io.LimitReader(t, 1<<16)).Decode(&p.Manifest); err != nil || p.Format != parcelFormat {
				return p, notWhole(errors.New("its manifest is not one of ours, or of a newer nsecbunker"))
			}
		case serviceFile:
			text, err := io.ReadAll(io.LimitReader(t, 2*64))
			if err == nil {
				p.service, err = hex.DecodeString(string(text))
			}
			secret.Wipe(text)
			if err != nil {
				return p, notWhole(errors.New("its service key cannot be read"))
			}
		default:
			if h.Size > maxBackupFile {
				return p, notWhole(errors.New("it is too large"))
			}
			p.rows = filepath.Join(dir, rowsFile)
			if err := writeFile(p.rows, t); err != nil {
				return p, notWhole(err)
			}
		}
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return p, notWhole(errors.New("there is more in it than belongs there"))
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return p, notWhole(err)
	}
	return p, nil
}

// RestoreTenant implements [admin.TenantBackup]: the bunker is in the store with all of its rows, or
// nothing of it is. Its log comes first, some records at a time, while others write. It is served at once, sealed, in a new life.
func (h house) RestoreTenant(ctx context.Context, r admin.RestoreRequest, change func(func(admin.Tx) error) error) (_ bunker.TenantID, err error) {
	d := h.d
	if !d.Config.Hosted {
		return "", notHosted()
	}
	d.parcels.Lock()
	defer d.parcels.Unlock()
	tmp, err := os.MkdirTemp(d.Dir, parcelFolder)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	p, err := unpackParcel(r, tmp)
	defer secret.Wipe(p.service)
	if err != nil {
		return "", err
	}
	id := bunker.TenantID(p.Tenant)
	if !id.Guest() {
		return "", notWhole(errors.New("it names no bunker of a hosted instance"))
	}
	row := &host.Tenant{ID: id, Label: r.Label, CreatedAt: d.store.LedgerTime().UnixMilli(), SetUp: true}
	if d.tenants.tenant(id) != nil {
		return "", isHere(id)
	}
	defer func() {
		if err == nil {
			return
		}
		if left := d.store.DropLog(context.WithoutCancel(ctx), id); left != nil {
			d.Log.Error("what there is of a bunker's log stays until the next start", "tenant", id, "error", left)
		}
	}()
	if err := d.stageLog(ctx, id, &p); err != nil {
		return "", err
	}
	err = d.restoreHere(ctx, row, &p, func(f func(*store.Tx) error) error {
		return change(func(x admin.Tx) error {
			of, err := storeTx(x)
			if err != nil {
				return err
			}
			return f(of)
		})
	}, r.Quota)
	if err != nil {
		return "", err
	}
	if behind := d.together.order(id, bunker.OrderChanged); len(behind) > 0 {
		d.Log.Warn("a bunker was taken in, and not every instance knows it yet", "tenant", id, "instances", behind)
	}
	return id, nil
}

// stageLog stores a bunker's log, which nobody reads before the bunker is there.
func (d *Daemon) stageLog(ctx context.Context, id bunker.TenantID, p *parcel) (err error) {
	f, err := os.Open(p.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return notWhole(err)
	}
	p.rest = p.rows + ".rest"
	to, err := os.OpenFile(p.rest, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	rest := bufio.NewWriter(to)
	p.log, err = d.store.StageLog(ctx, id, io.LimitReader(z, maxParcel), rest)
	return errors.Join(err, rest.Flush(), to.Close())
}

// restoreHere takes a bunker in and serves it on this instance.
func (d *Daemon) restoreHere(ctx context.Context, row *host.Tenant, p *parcel, change func(func(*store.Tx) error) error, q bunker.Quota) (err error) {
	// As in make: who finds that it is there finds it served, too.
	d.making.Lock()
	defer d.making.Unlock()
	if d.tenants.tenant(row.ID) != nil {
		return isHere(row.ID)
	}
	if row.Service, err = d.vault.TakeTenantService(d.home.id, row.ID, p.service); err != nil {
		return err
	}
	if err := change(func(of *store.Tx) error { return d.takeIn(of, row, q, p) }); err != nil {
		d.vault.Forget(row.ID)
		return err
	}
	opened := map[bunker.TenantID]*tenant{row.ID: d.guestOf(row)} // as at the start
	if err := d.openGuestKeys(ctx, opened); err != nil {
		return err
	}
	for _, t := range opened {
		d.tenants.add(t)
	}
	return d.readRings(ctx, opened)
}

func isHere(id bunker.TenantID) error {
	return bunker.Errorf(bunker.CodeConflict, "the bunker %s is here; it has to end first", id).WithHint("nsecbunker tenant end %s", id)
}

// takeIn stores a bunker out of its file.
func (d *Daemon) takeIn(of *store.Tx, row *host.Tenant, q bunker.Quota, p *parcel) (err error) {
	var head [32]byte
	if n, err := hex.Decode(head[:], []byte(p.Head)); err != nil || n != len(head) {
		return notWhole(errors.New("its manifest names no head of a log"))
	}
	f, err := os.Open(p.rest)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// It was here before, and has ended: its row goes on.
	switch before, err := of.HostedTenant(row.ID); {
	case bunker.AsError(err).Code == bunker.CodeNotFound:
	case err != nil:
		return err
	case before.EndedAt == 0:
		return isHere(row.ID)
	default:
		row.Order, row.AdminKey, row.CreatedAt, row.Version = before.Order, before.AdminKey, before.CreatedAt, before.Version
	}
	admins := 0
	check := func(keys []bunker.ServiceKey) error {
		for _, k := range keys {
			if k.Role == bunker.RoleAdmin {
				if admins++; row.AdminKey != k.PubKey && !row.AdminKey.IsZero() {
					return notWhole(errors.New("it has another admin key than it had here"))
				}
				row.AdminKey = k.PubKey
			}
			if k.Role == bunker.RoleAudit {
				continue // under its root key
			}
			if err := d.vault.LoadServiceKey(k); err != nil {
				return notWhole(fmt.Errorf("one of its keys does not open: %w", err))
			}
		}
		if admins != 1 {
			return notWhole(errors.New("it has no admin key, or several"))
		}
		return nil
	}
	h := store.ParcelHead{Schema: p.Schema, Sequence: p.Sequence, Head: head, Rows: p.Rows}
	return of.AddParcel(row, q, f, p.log, h, check, "bunker of "+p.Made.Format(time.RFC3339))
}
