package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// pushFor is how long a push service keeps a message for a browser that is away.
const pushFor = 24 * time.Hour

// PushKey has the key pair of Web Push.
type PushKey interface {
	// Vapid returns the public key as browsers take it (base64url) and the secret
	// one, 32 bytes, as RFC 8292 signs with it; the caller wipes the secret.
	Vapid(ctx context.Context) (public string, secret []byte, err error)
	// Contact is whom a push service may turn to: an address or an https URL
	// (RFC 8292, section 2.1).
	Contact() string
}

// push sends to one browser by its push service (RFC 8030), encrypted for it
// (RFC 8291). The secret is the subscription's.
type push struct {
	client *http.Client
	key    PushKey
}

// pushBody is what the app's service worker gets.
type pushBody struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	Urgent bool   `json:"urgent"`
	Items  []Item `json:"items,omitempty"`
}

func (s push) send(ctx context.Context, c *bunker.Channel, auth []byte, m *Message) (string, error) {
	if s.key == nil {
		return "", errors.New("this bunker has no key for web push")
	}
	public, private, err := s.key.Vapid(ctx)
	if err != nil {
		return "", err
	}
	defer secret.Wipe(private)
	if public == "" {
		return "", errors.New("there is no key for web push yet; show it to the browser first: nsecbunker notify key")
	}
	body, err := json.Marshal(pushBody{string(m.ID), m.Title, m.Text(), m.Urgent, m.Items})
	if err != nil {
		return "", err
	}
	urgency := webpush.UrgencyNormal
	if m.Urgent {
		urgency = webpush.UrgencyHigh
	}
	sub := &webpush.Subscription{Endpoint: c.Settings.Target, Keys: webpush.Keys{P256dh: c.Settings.P256dh, Auth: string(auth)}}
	resp, err := webpush.SendNotificationWithContext(ctx, body, sub, &webpush.Options{
		HTTPClient: s.client, Subscriber: s.key.Contact(), TTL: int(pushFor / time.Second), Urgency: urgency,
		Topic:          string(m.ID), // who gets it twice shows it once (RFC 8030, section 5.4)
		VAPIDPublicKey: public, VAPIDPrivateKey: base64.RawURLEncoding.EncodeToString(private),
	})
	if err != nil {
		return "", fmt.Errorf("the push service was not reached: %w", unwrapURL(err))
	}
	defer resp.Body.Close()
	said, err := answered(resp.Request, resp)
	if err != nil && resp.StatusCode == http.StatusNotFound {
		err = fmt.Errorf("%w: %w", err, ErrGone) // the subscription ended (RFC 8030, section 7.3)
	}
	return said, err
}
