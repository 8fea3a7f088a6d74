package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
)

// Headers of a webhook.
const (
	// SignatureHeader is "t=<unix seconds>,v1=<hex of HMAC-SHA256>" over the time, a
	// full stop and the body, under the channel's secret.
	SignatureHeader = "Nsecbunker-Signature"
	// NoticeHeader is the message's id, the same when it is sent again.
	NoticeHeader = "Nsecbunker-Notice"
)

// webhook posts a signed JSON object. The secret signs.
type webhook struct {
	client *http.Client
	now    func() time.Time
}

// hookBody is what a webhook gets.
type hookBody struct {
	Version int    `json:"v"` // 1
	ID      string `json:"id"`
	Time    string `json:"time"` // RFC 3339, when the first of it happened
	Title   string `json:"title"`
	Text    string `json:"text"`
	Urgent  bool   `json:"urgent"`
	Test    bool   `json:"test,omitempty"`
	Items   []Item `json:"items,omitempty"`
	// Questions are ids, for a channel with details.
	Questions []string `json:"questions,omitempty"`
}

func (s webhook) send(ctx context.Context, c *bunker.Channel, secret []byte, m *Message) (string, error) {
	b := hookBody{
		Version: 1, ID: string(m.ID), Time: m.At.UTC().Format(time.RFC3339), Title: m.Title, Text: m.Text(), Urgent: m.Urgent, Test: m.Test, Items: m.Items,
	}
	if c.Settings.Details {
		for _, q := range m.Open {
			b.Questions = append(b.Questions, q.Object)
		}
	}
	body, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(NoticeHeader, b.ID)
	h.Set(SignatureHeader, Sign(secret, s.now(), body))
	return post(ctx, s.client, c.Settings.Target, body, h)
}

// Sign returns the value of SignatureHeader.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
