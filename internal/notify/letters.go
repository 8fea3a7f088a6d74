package notify

import (
	"context"

	"nsecbunker/internal/bunker"
)

// Letters sends direct messages.
type Letters interface {
	// Letter sends a text to a pubkey by relays, and returns those that took it.
	Letter(ctx context.Context, c *bunker.Channel, m *Message, text string) (took []string, err error)
}

// PushKey has the key pair of Web Push.
type PushKey interface {
	// Vapid returns the public key as browsers take it and the secret one as
	// RFC 8292 signs with it; the caller wipes the secret.
	Vapid(ctx context.Context) (public string, secret []byte, err error)
}
