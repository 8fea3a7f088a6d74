package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

const connectionColumns = `c.tenant, c.id, c.key_id, c.signer, c.client, c.state, c.token, c.name, c.person, c.relays, c.expires_at,
c.created_at, c.version, c.mac, c.metadata, c.last_used, c.uses, c.resume_at, c.switch_to, c.seat_day`

// metadata scans a client's display hints ("" for none).
type metadata struct{ to *bunker.ClientMetadata }

// Scan implements [sql.Scanner].
func (m metadata) Scan(src any) error {
	*m.to = bunker.ClientMetadata{}
	s, ok := src.(string)
	if !ok || s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), m.to)
}

func metadataText(m *bunker.ClientMetadata) string {
	if *m == (bunker.ClientMetadata{}) {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

func connectionFields(c *bunker.Connection, mac *[]byte) []any {
	return []any{
		(*string)(&c.Tenant), (*string)(&c.ID), (*string)(&c.Key), b32{(*[32]byte)(&c.Signer)}, b32{(*[32]byte)(&c.Client)},
		(*string)(&c.State), (*string)(&c.Token), &c.Name, &c.Person, list{&c.Relays}, &c.ExpiresAt, &c.CreatedAt, &c.Version,
		mac, metadata{&c.Metadata}, &c.LastUsed, &c.Uses, &c.ResumeAt,
		list{&c.SwitchTo}, &c.SeatDay,
	}
}

func fillConnection(row scanner, c *bunker.Connection) (mac []byte, err error) {
	err = row.Scan(connectionFields(c, &mac)...)
	return mac, err
}

const (
	connectionByID  = `SELECT ` + connectionColumns + ` FROM connection c WHERE c.tenant = $1 AND c.id = $2`
	connectionsPage = `SELECT ` + connectionColumns + ` FROM connection c
WHERE c.tenant = $1 AND ($2 = '' OR c.key_id = $2) AND c.id > $3 ORDER BY c.id LIMIT $4`
	connectionsOf = `SELECT ` + connectionColumns + ` FROM connection c
WHERE c.tenant = $1 AND c.client = $2 ORDER BY c.created_at DESC, c.id LIMIT $3`
	connectionPut = `INSERT INTO connection (tenant, id, key_id, signer, client, state, token, name, person, relays, expires_at,
created_at, version, mac, metadata, last_used, uses, resume_at, switch_to)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`
)

func connectionArgs(c *bunker.Connection, mac []byte) []any {
	return []any{
		string(c.Tenant), string(c.ID), string(c.Key), c.Signer[:], c.Client[:], string(c.State), string(c.Token), c.Name, c.Person,
		listText(c.Relays), c.ExpiresAt, c.CreatedAt, c.Version, mac, metadataText(&c.Metadata), c.LastUsed, c.Uses,
		c.ResumeAt, listText(c.SwitchTo),
	}
}

// Apps returns the connections of a client, whatever became of them, the newest
// first, at most MaxPage.
func (s *Store) Apps(ctx context.Context, t bunker.TenantID, client nostr.PubKey) ([]bunker.Connection, error) {
	out, err := all(ctx, s, s.read, fillConnection, connectionsOf, string(t), client[:], MaxPage)
	for i := range out {
		s.lazy.count(&out[i])
	}
	return out, s.explain("looking a client up", err)
}

// Connection returns a connection by its id.
func (s *Store) Connection(ctx context.Context, t bunker.TenantID, id bunker.ConnectionID) (*bunker.Connection, error) {
	c, err := one(s, s.read.QueryRowContext(ctx, connectionByID, string(t), string(id)), fillConnection)
	if err == nil {
		s.lazy.count(c)
	}
	return c, s.explain("reading a connection", orNotFound(err, "connection", string(id)))
}

// Connections returns the connections of a key ("" for all keys) in order of
// id, at most p.Limit after p.After.
func (s *Store) Connections(ctx context.Context, t bunker.TenantID, key bunker.KeyID, p Page) ([]bunker.Connection, error) {
	out, err := all(ctx, s, s.read, fillConnection, connectionsPage, string(t), string(key), p.After, p.limit())
	for i := range out {
		s.lazy.count(&out[i])
	}
	return out, s.explain("listing connections", err)
}

// Connection returns a connection by its id.
func (tx *Tx) Connection(id bunker.ConnectionID) (*bunker.Connection, error) {
	c, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, connectionByID, string(tx.head.Tenant), string(id)), fillConnection)
	return c, orNotFound(err, "connection", string(id))
}

// Connections returns the connections of a key ("" for all keys) in order of id.
func (tx *Tx) Connections(key bunker.KeyID, p Page) ([]bunker.Connection, error) {
	return all(tx.ctx, tx.s, tx.q, fillConnection, connectionsPage, string(tx.head.Tenant), string(key), p.After, p.limit())
}

// PutConnection stores a connection; for versions see PutKey. A connection that
// leaves the state active loses its open questions and its unspent limited grants
// with the change; one that is suspended for a time keeps its grants.
func (tx *Tx) PutConnection(c *bunker.Connection) error {
	err := tx.put(c, &c.Version, "connection "+string(c.ID),
		`SELECT version FROM connection WHERE tenant = $1 AND id = $2`, []any{string(c.Tenant), string(c.ID)},
		connectionPut+`
ON CONFLICT (tenant, id) DO UPDATE SET key_id = excluded.key_id, state = excluded.state, token = excluded.token, name = excluded.name, person = excluded.person,
relays = excluded.relays, expires_at = excluded.expires_at, version = excluded.version, mac = excluded.mac, metadata = excluded.metadata,
resume_at = excluded.resume_at, switch_to = excluded.switch_to`,
		func(mac []byte) []any { return connectionArgs(c, mac) })
	if err != nil {
		return err
	}
	switch state := c.StateAt(tx.now); {
	case state == bunker.ConnActive, state == bunker.ConnPending:
		return nil
	case state == bunker.ConnSuspended && c.ResumeAt != 0:
		return tx.s.withdrawQuestions(tx.ctx, tx.conn(), tx.head, c.ID, tx.now)
	}
	return tx.s.withdraw(tx.ctx, tx.conn(), tx.head, c.ID, tx.now)
}

// eachConnection changes connections and stores them.
func (tx *Tx) eachConnection(query string, args []any, change func(*bunker.Connection)) error {
	cs, err := all(tx.ctx, tx.s, tx.q, fillConnection, query, args...)
	if err != nil {
		return err
	}
	for i := range cs {
		change(&cs[i])
		if err := tx.PutConnection(&cs[i]); err != nil {
			return fmt.Errorf("connection %s: %w", cs[i].ID, err)
		}
	}
	return nil
}

// LinkMade readies the connections at a user key's own pubkey (npub login) for a link that is
// made at a time (unix ms): see [bunker.Connection.Reopens]. Those of a key that was deleted and imported again
// become the new key's, still revoked; a revocation that was stored without its time, as it once
// was, gets that of the moment before.
func (tx *Tx) LinkMade(k *bunker.UserKey, at int64) error {
	return tx.eachConnection(`SELECT `+connectionColumns+` FROM connection c
WHERE c.signer = $1 AND c.tenant = $2 AND c.state = 'revoked' AND (c.key_id <> $3 OR c.resume_at = 0)`,
		[]any{k.PubKey[:], string(tx.head.Tenant), string(k.ID)}, func(c *bunker.Connection) {
			c.Key = k.ID
			if c.ResumeAt == 0 {
				c.Revoke(at - 1)
			}
		})
}

// bumpConnection gives a connection its next version, so that decisions that
// read its grants before are made anew.
func (tx *Tx) bumpConnection(id bunker.ConnectionID) error {
	c, err := tx.Connection(id)
	if err != nil {
		return err
	}
	old := c.Version
	c.Version++
	mac, err := tx.s.tag(c, tx.head.SetUp)
	if err != nil {
		return err
	}
	return tx.exec(`UPDATE connection SET version = $1, mac = $2 WHERE tenant = $3 AND id = $4 AND version = $5`,
		c.Version, mac, string(c.Tenant), string(c.ID), old)
}

// RelayUse counts the connections that are heard on a relay: those that name it,
// and those that name none, which are heard on the tenant's relays.
type RelayUse struct {
	Named   int // active connections whose list has it: who has not switched yet
	Default int // active connections without a list of their own
}

// RelayUsers counts the active connections that a relay serves, to know when an
// old one need not be heard any more.
func (s *Store) RelayUsers(ctx context.Context, t bunker.TenantID, url string) (RelayUse, error) {
	var use RelayUse
	_, err := scanAll(ctx, s.read, func(row scanner, relays *[]string) error {
		if err := row.Scan(list{relays}); err != nil {
			return err
		}
		switch {
		case len(*relays) == 0:
			use.Default++
		case slices.Contains(*relays, url):
			use.Named++
		}
		*relays = nil
		return nil
	}, `SELECT relays FROM connection WHERE tenant = $1 AND state IN ('active', 'suspended', 'pending')`, string(t))
	return use, s.explain("counting a relay's connections", err)
}
