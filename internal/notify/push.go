package notify

import "context"

// PushKey has the key pair of Web Push.
type PushKey interface {
	// Vapid returns the public key as browsers take it and the secret one as
	// RFC 8292 signs with it; the caller wipes the secret.
	Vapid(ctx context.Context) (public string, secret []byte, err error)
}
