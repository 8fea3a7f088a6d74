package notify

import (
	"context"
	"net/http"

	"nsecbunker/internal/bunker"
)

// ntfy publishes to a topic of an ntfy server (docs.ntfy.sh/publish): the text as
// the body, the rest in headers. The secret, if there is one, is an access token.
type ntfy struct{ client *http.Client }

func (s ntfy) send(ctx context.Context, c *bunker.Channel, secret []byte, m *Message) (string, error) {
	h := http.Header{"Title": {m.Title}, "Tags": {"key"}, "Content-Type": {"text/plain; charset=utf-8"}}
	if m.Urgent {
		h.Set("Priority", "high")
	}
	if len(secret) > 0 {
		h.Set("Authorization", "Bearer "+string(secret))
	}
	return post(ctx, s.client, c.Settings.Target, []byte(m.Text()), h)
}
