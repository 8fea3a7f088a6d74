package bunkertest

import (
	"context"

	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// NewClient is the product's own client over real sockets, with a new key, not
// connected.
func (b *Bunker) NewClient() *nip46.Client {
	b.t.Helper()
	session, err := nip46.NewSession(b.Arena)
	if err != nil {
		b.t.Fatal(err)
	}
	pool, err := ws.New(ws.Config{Now: b.Clock.Now, Auth: session.Auth})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(pool.Close)
	c, err := nip46.NewClient(nip46.Config{Transport: pool, Now: b.Clock.Now}, session)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Close)
	return c
}

// Client is NewClient, connected with a bunker:// string.
func (b *Bunker) Client(uri string) *nip46.Client {
	b.t.Helper()
	u, err := nip46.ParseBunkerURI(uri)
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.NewClient()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := c.Connect(ctx, u, nil); err != nil {
		b.t.Fatal(err)
	}
	return c
}
