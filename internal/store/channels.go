package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
)

const channelColumns = `n.tenant, n.name, n.kind, n.settings, n.secret, n.created_at, n.version, n.mac, n.sealed_mac`

// channelRow is a channel with the MAC that holds while sealed.
type channelRow struct {
	bunker.Channel
	sealedMAC []byte
}

func fillChannelRow(row scanner, c *channelRow) (mac []byte, err error) {
	err = row.Scan((*string)(&c.Tenant), &c.Name, (*string)(&c.Kind), &c.Text, &c.Secret, &c.CreatedAt, &c.Version, &mac, &c.sealedMAC)
	return mac, err
}

// fillChannel is for those who check the MAC under the root key.
func fillChannel(row scanner, c *bunker.Channel) (mac []byte, err error) {
	var r channelRow
	mac, err = fillChannelRow(row, &r)
	*c = r.Channel
	return mac, err
}

const channelsAll = `SELECT ` + channelColumns + ` FROM notify_channel n WHERE n.tenant = $1 ORDER BY n.created_at, n.name LIMIT $2`

// channelLabel separates a channel's MAC from others under the service key.
const channelLabel = "notify_channel"

// Channels returns the channels that people are told by, at most MaxPage, in
// order of birth. While the tenant is sealed the MAC under the service key is
// checked, else both. A row that fails is left out of the list and named in the
// error, which is bunker.ErrTampered: the others still work.
func (s *Store) Channels(ctx context.Context, t bunker.TenantID) ([]bunker.Channel, error) {
	out, err := s.channels(ctx, s.read, t)
	return out, s.explain("reading the channels of notices", err)
}

// Channels returns the channels that people are told by.
func (tx *Tx) Channels() ([]bunker.Channel, error) {
	return tx.s.channels(tx.ctx, tx.q, tx.head.Tenant)
}

func (s *Store) channels(ctx context.Context, q querier, t bunker.TenantID) ([]bunker.Channel, error) {
	var bad []error
	var out []bunker.Channel
	_, err := scanAll(ctx, q, func(row scanner, _ *struct{}) error {
		var c channelRow
		mac, err := fillChannelRow(row, &c)
		if err == nil {
			err = s.verifyChannel(&c, mac)
		}
		if err == nil {
			err = json.Unmarshal([]byte(c.Text), &c.Settings)
		}
		if errors.Is(err, bunker.ErrTampered) {
			bad = append(bad, err)
			return nil
		}
		if err == nil {
			out = append(out, c.Channel)
		}
		return err
	}, channelsAll, string(t), MaxPage)
	return out, errors.Join(append(bad, err)...)
}

func (s *Store) verifyChannel(c *channelRow, mac []byte) error {
	if s.flags != nil {
		if err := s.flags.VerifyService(c.Tenant, channelLabel, bunker.MACMessage(&c.Channel), c.sealedMAC); err != nil {
			return fmt.Errorf("notify_channel %s: %w", c.Name, err)
		}
	}
	err := s.verify(&c.Channel, mac)
	if Sealed(err) {
		return nil
	}
	return err
}

// PutChannel stores a channel; for versions see PutKey.
func (tx *Tx) PutChannel(c *bunker.Channel) error {
	text, err := json.Marshal(&c.Settings)
	if err != nil {
		return err
	}
	c.Text = string(text)
	var tagErr error // of the MAC that is made with the row's new version
	err = tx.put(c, &c.Version, "channel "+c.Name,
		`SELECT version FROM notify_channel WHERE tenant = $1 AND name = $2`, []any{string(c.Tenant), c.Name},
		`INSERT INTO notify_channel (tenant, name, kind, settings, secret, created_at, version, mac, sealed_mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant, name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings, secret = excluded.secret,
version = excluded.version, mac = excluded.mac, sealed_mac = excluded.sealed_mac`,
		func(mac []byte) []any {
			var sealed [32]byte
			if tx.s.flags != nil {
				sealed, tagErr = tx.s.flags.TagService(c.Tenant, channelLabel, bunker.MACMessage(c))
			}
			return []any{string(c.Tenant), c.Name, string(c.Kind), c.Text, blob(c.Secret), c.CreatedAt, c.Version, mac, sealed[:]}
		})
	return errors.Join(err, tagErr)
}

// DeleteChannel removes a channel with what it was still to be told.
func (tx *Tx) DeleteChannel(name string) error {
	if err := tx.exec(`DELETE FROM notice WHERE tenant = $1 AND channel = $2`, string(tx.head.Tenant), name); err != nil {
		return err
	}
	return tx.delete("channel", name, `DELETE FROM notify_channel WHERE tenant = $1 AND name = $2`, string(tx.head.Tenant), name)
}

// Vapid returns the key pair of Web Push: the public key as browsers take it,
// and the secret, wrapped; empty before there is one.
func (s *Store) Vapid(ctx context.Context, t bunker.TenantID) (public string, secret []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT vapid_public, vapid_secret FROM notify_state WHERE tenant = $1`, string(t)).Scan(&public, &secret)
	if isNone(err) {
		return "", nil, nil
	}
	return public, secret, s.explain("reading the key of web push", err)
}

// PutVapid stores the key pair of Web Push. There is one for the life of the
// store: another would end every subscription.
func (tx *Tx) PutVapid(public string, secret []byte) error {
	n, err := tx.execN(`INSERT INTO notify_state (tenant, seen, vapid_public, vapid_secret) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant) DO UPDATE SET vapid_public = excluded.vapid_public, vapid_secret = excluded.vapid_secret
WHERE notify_state.vapid_public = ''`, string(tx.head.Tenant), tx.head.ChainSeq, public, blob(secret))
	if err == nil && n == 0 {
		return conflict("there is a key for web push already")
	}
	return err
}
