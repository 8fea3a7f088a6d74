package store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/nostr"
)

const (
	// MaxVersions is how many versions of one replaceable event are kept, beside the one
	// from which losses in small steps are counted.
	MaxVersions = 20
	// MaxVersionBytes is how many bytes of versions of one key are kept, about; beyond it
	// the oldest go: see pruneVersionsOf.
	MaxVersionBytes = 32 << 20
)

const versionColumns = `v.tenant, v.key_id, v.kind, v.address, v.seq, v.created_at, v.event_id, v.source, v.connection, v.kept_at, v.seen, v.sealed`

// listColumns are versionColumns without the bytes: a list of a key's versions would
// hold all of them at once.
func (s *Store) listColumns() string {
	return `v.tenant, v.key_id, v.kind, v.address, v.seq, v.created_at, v.event_id, v.source, v.connection, v.kept_at, v.seen, ` + s.sql.noBytes
}

func fillVersion(row scanner, v *bunker.KeptVersion) error {
	var kind int64
	err := row.Scan((*string)(&v.Tenant), (*string)(&v.Key), &kind, b32{(*[32]byte)(&v.Address)}, &v.Seq, &v.CreatedAt,
		b32{(*[32]byte)(&v.EventID)}, (*string)(&v.Source), (*string)(&v.Connection), &v.KeptAt, yesno{&v.Seen}, &v.Sealed)
	v.Kind = nostr.Kind(kind)
	return err
}

// fillListed is fillVersion with whether it is the current one.
func fillListed(row scanner, v *bunker.KeptVersion) error {
	return fillVersion(rest{row, []any{yesno{&v.Current}}}, v)
}

// keepVersion writes nothing when the version before is not the last one any more.
const keepVersion = `INSERT INTO kept_version (tenant, key_id, kind, address, seq, created_at, event_id, source, connection, kept_at, seen, size, sealed)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
WHERE (SELECT coalesce(max(seq), 0) FROM kept_version WHERE tenant = $1 AND key_id = $2 AND kind = $3 AND address = $4) = CAST($5 AS BIGINT) - 1`

// current is the number of the version at an address that relays hold.
const current = `(SELECT c.seq FROM kept_version c WHERE c.tenant = v.tenant AND c.key_id = v.key_id AND c.kind = v.kind AND c.address = v.address
 ORDER BY c.created_at DESC, c.seq DESC LIMIT 1)`

// stepsFrom is the number of the version at an address ($1 to $4) from which on losses in
// small steps are counted: the oldest that was kept since a time ($5), of those after the
// last that a person has seen, that one included.
const stepsFrom = `(SELECT min(o.seq) FROM kept_version o WHERE o.tenant = $1 AND o.key_id = $2 AND o.kind = $3 AND o.address = $4 AND o.kept_at >= $5
 AND o.seq >= (SELECT coalesce(max(l.seq), 0) FROM kept_version l
  WHERE l.tenant = $1 AND l.key_id = $2 AND l.kind = $3 AND l.address = $4 AND l.seen = 1))`

// keepLess forgets the oldest versions at an address: never the current one, nor that from
// which small steps are counted, or an app could move it by saving often.
const keepLess = `DELETE FROM kept_version AS v
WHERE v.tenant = $1 AND v.key_id = $2 AND v.kind = $3 AND v.address = $4 AND v.seq <= $6 AND v.seq <> ` + current + `
AND v.seq <> coalesce(` + stepsFrom + `, 0)`

func versionArgs(v *bunker.KeptVersion) []any {
	return []any{
		string(v.Tenant), string(v.Key), int64(v.Kind), v.Address[:], v.Seq, v.CreatedAt, v.EventID[:], string(v.Source),
		string(v.Connection), v.KeptAt, num(v.Seen), int64(len(v.Sealed)), v.Sealed,
	}
}

// keep stores the version of an event that was signed, after the one that it was
// compared with, and forgets what is beyond MaxVersions.
func (g *group) keep(w *waiting, _ *head) (bool, error) {
	v := w.e.Keep
	if v == nil {
		return true, nil
	}
	if ok, err := g.s.did(stmtKeep, versionArgs(v)...); err != nil || !ok {
		return false, err
	}
	if v.Seq <= MaxVersions {
		return true, nil
	}
	_, err := g.s.exec(stmtKeepLess, string(v.Tenant), string(v.Key), int64(v.Kind), v.Address[:],
		v.KeptAt-guard.StepsFor.Milliseconds(), v.Seq-MaxVersions)
	return true, err
}

// readLast finds the current version without reading the others' bytes.
const readLast = `SELECT ` + versionColumns + `, (SELECT max(seq) FROM kept_version WHERE tenant = $1 AND key_id = $2 AND kind = $3 AND address = $4)
FROM kept_version v WHERE v.tenant = $1 AND v.key_id = $2 AND v.kind = $3 AND v.address = $4 AND v.seq = ` + current

// LastVersion returns what a new version at an address is to be compared with.
func (s *Store) LastVersion(ctx context.Context, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error) {
	last, err := s.lastVersion(ctx, s.read, t, k, kind, at)
	return last, s.explain("reading a kept version", err)
}

func (s *Store) lastVersion(ctx context.Context, q querier, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error) {
	var last bunker.LastVersion
	var v bunker.KeptVersion
	row := q.QueryRowContext(ctx, readLast, string(t), string(k), int64(kind), at[:])
	switch err := fillVersion(rest{row, []any{&last.Seq}}, &v); {
	case isNone(err):
		return bunker.LastVersion{}, nil
	case err != nil:
		return bunker.LastVersion{}, err
	}
	last.Current = &v
	return last, nil
}

// SeenVersion returns from which version on losses in small steps are counted: the
// oldest that was kept since a time (unix ms), of those after the last that a person
// has seen, that one included. nil: there is none.
func (s *Store) SeenVersion(ctx context.Context, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address, since int64) (*bunker.KeptVersion, error) {
	var v bunker.KeptVersion
	err := fillVersion(s.read.QueryRowContext(ctx, `SELECT `+versionColumns+` FROM kept_version v
WHERE v.tenant = $1 AND v.key_id = $2 AND v.kind = $3 AND v.address = $4 AND v.seq = `+stepsFrom,
		string(t), string(k), int64(kind), at[:], since), &v)
	if isNone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, s.explain("reading a kept version", err)
	}
	return &v, nil
}

// VersionPage is a place in the list of a key's versions, newest first.
type VersionPage struct {
	Kind   int64 // -1: every kind
	Before int64 // kept_at to go on before, unix ms; 0: the newest
	// BeforeID breaks ties of Before.
	BeforeID nostr.ID
	Limit    int
}

// Versions returns a key's kept versions, the one that was kept last first, without
// their bytes: see VersionBytes.
func (s *Store) Versions(ctx context.Context, t bunker.TenantID, k bunker.KeyID, p VersionPage) ([]bunker.KeptVersion, error) {
	out, err := scanAll(ctx, s.read, fillListed, `SELECT `+s.listColumns()+`, v.seq = `+current+` FROM kept_version v
WHERE v.tenant = $1 AND v.key_id = $2 AND (CAST($3 AS BIGINT) < 0 OR v.kind = $3) AND (CAST($4 AS BIGINT) = 0 OR v.kept_at < $4 OR (v.kept_at = $4 AND v.event_id < $5))
ORDER BY v.kept_at DESC, v.event_id DESC LIMIT $6`, string(t), string(k), p.Kind, p.Before, p.BeforeID[:], Page{Limit: p.Limit}.limit())
	return out, s.explain("listing kept versions", err)
}

// VersionBytes reads the bytes of a version of a list.
func (s *Store) VersionBytes(ctx context.Context, v *bunker.KeptVersion) error {
	err := s.read.QueryRowContext(ctx, `SELECT sealed FROM kept_version WHERE tenant = $1 AND key_id = $2 AND kind = $3 AND address = $4 AND seq = $5`,
		string(v.Tenant), string(v.Key), int64(v.Kind), v.Address[:], v.Seq).Scan(&v.Sealed)
	return s.explain("reading a kept version", orNotFound(err, "version", v.EventID.String()))
}

// VersionsOf returns a key's versions of events whose id is one from first to last, both
// included, at most two: one is what was meant, two are too many.
func (s *Store) VersionsOf(ctx context.Context, t bunker.TenantID, k bunker.KeyID, first, last nostr.ID) ([]bunker.KeptVersion, error) {
	out, err := scanAll(ctx, s.read, fillListed, `SELECT `+versionColumns+`, v.seq = `+current+` FROM kept_version v
WHERE v.tenant = $1 AND v.key_id = $2 AND v.event_id >= $3 AND v.event_id <= $4 ORDER BY v.kept_at DESC LIMIT 2`,
		string(t), string(k), first[:], last[:])
	return out, s.explain("looking for a kept version", err)
}

// LastVersion is Store.LastVersion inside the change.
func (tx *Tx) LastVersion(k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error) {
	return tx.s.lastVersion(tx.ctx, tx.q, tx.head.Tenant, k, kind, at)
}

// KeepVersion stores a version that was not signed in an entry of the ledger: one
// that a relay had. Its Seq must be the next one.
func (tx *Tx) KeepVersion(v *bunker.KeptVersion) error {
	if v.Tenant != tx.head.Tenant || v.Seq < 1 || len(v.Sealed) == 0 {
		return errors.New("store: an incomplete version")
	}
	n, err := tx.execN(keepVersion, versionArgs(v)...)
	if err == nil && n == 0 {
		err = conflict("another version of this event was kept meanwhile; look again")
	}
	return err
}

// forgetVersions erases what was kept of a key.
func (tx *Tx) forgetVersions(k bunker.KeyID) error {
	return tx.exec(`DELETE FROM kept_version WHERE tenant = $1 AND key_id = $2`, string(tx.head.Tenant), string(k))
}

// pruneVersions forgets versions of keys of which more than MaxVersionBytes are kept, and
// returns how many.
func (s *Store) pruneVersions(ctx context.Context) (int, error) {
	type over struct {
		tenant, key string
		bytes       int64
	}
	keys, err := scanAll(ctx, s.read, func(row scanner, o *over) error { return row.Scan(&o.tenant, &o.key, &o.bytes) },
		`SELECT tenant, key_id, sum(size) FROM kept_version GROUP BY tenant, key_id HAVING sum(size) > $1 LIMIT $2`, MaxVersionBytes, pruneBatch)
	forgotten := 0
	for _, o := range keys {
		err = errors.Join(err, s.update(ctx, func() error {
			n, err := s.pruneVersionsOf(ctx, o.tenant, o.key, o.bytes)
			forgotten += n
			return err
		}))
	}
	return forgotten, err
}

// pruneVersionsOf forgets of one key the oldest of each: first what is not the current
// version of an event of which an app can make any number (with a d tag, or of a kind
// that is none of the usual lists), then current ones of those; then older versions of
// the profile and the usual lists, which no flood of other events may wash away. The
// current ones of these stay: they are few.
func (s *Store) pruneVersionsOf(ctx context.Context, tenant, key string, bytes int64) (forgotten int, err error) {
	type version struct {
		kind, seq, size int64
		address         []byte
	}
	list, err := scanAll(ctx, s.write, func(row scanner, v *version) error { return row.Scan(&v.kind, &v.address, &v.seq, &v.size) },
		`SELECT kind, address, seq, size FROM (
SELECT v.kind, v.address, v.seq, v.size, v.kept_at, v.kind IN (`+usual()+`) AS is_usual, v.seq = `+current+` AS is_current
FROM kept_version v WHERE v.tenant = $1 AND v.key_id = $2) AS of_key WHERE NOT (is_usual AND is_current)
ORDER BY is_usual, is_current, kept_at, seq LIMIT $3`, tenant, key, pruneBatch)
	for _, v := range list {
		if bytes <= MaxVersionBytes || err != nil {
			break
		}
		_, err = s.write.ExecContext(ctx, `DELETE FROM kept_version WHERE tenant = $1 AND key_id = $2 AND kind = $3 AND address = $4 AND seq = $5`,
			tenant, key, v.kind, v.address, v.seq)
		bytes -= v.size
		forgotten++
	}
	return forgotten, err
}

// usual are the kinds of the profile and the lists that a key has one of each of, for SQL.
func usual() string {
	var list []string
	for _, k := range guard.BaselineKinds() {
		list = append(list, strconv.Itoa(int(k)))
	}
	return strings.Join(list, ", ")
}
