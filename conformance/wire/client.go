package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nbd-wtf/go-nostr"
)

// Kind is NIP-46's kind of event.
const Kind = 24133

// Reply is an answer as it came.
type Reply struct {
	Event  Event
	Came   time.Time // when a Client heard it
	Text   string    // the plaintext, byte by byte
	Scheme Scheme    // of the envelope
	ID     string
	Result string
	Error  string
	Keys   map[string]json.RawMessage // its members
}

// Failed reports whether it is an error.
func (r *Reply) Failed() bool { return r.Error != "" }

// ParseReply reads a plaintext.
func ParseReply(text string) (Reply, error) {
	r := Reply{Text: text}
	if err := json.Unmarshal([]byte(text), &r.Keys); err != nil {
		return r, fmt.Errorf("a reply that is no JSON object: %w", err)
	}
	for name, to := range map[string]*string{"id": &r.ID, "result": &r.Result, "error": &r.Error} {
		if raw, there := r.Keys[name]; there {
			if err := json.Unmarshal(raw, to); err != nil {
				return r, fmt.Errorf("the reply's %s is no string: %s", name, raw)
			}
		}
	}
	return r, nil
}

// Client is one client of one signer key on one or more relays. It hears every reply on every relay.
type Client struct {
	Key    Key
	Signer string
	Scheme Scheme
	Links  []*Link
	// Skew is added to the clock that requests are dated by.
	Skew time.Duration

	made    time.Time
	serial  atomic.Uint64
	mu      sync.Mutex
	replies map[string][]Reply // by request id; one entry for each distinct event
	seen    map[string]int     // reply events by id: on how many relays they came
	news    chan struct{}      // closed and made anew with each reply
	bad     []string           // what came and could not be read
	opening int                // what came and is being read
}

// NewClient makes a client and subscribes it on every relay.
func NewClient(key Key, signer string, scheme Scheme, urls ...string) (*Client, error) {
	c := &Client{Key: key, Signer: signer, Scheme: scheme, made: time.Now(), replies: map[string][]Reply{}, seen: map[string]int{}, news: make(chan struct{})}
	for _, url := range urls {
		if err := c.Join(url); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Made is since when it can have asked for anything.
func (c *Client) Made() time.Time { return c.made }

// Join subscribes on one more relay.
func (c *Client) Join(url string) error {
	l, err := Dial(url)
	if err != nil {
		return err
	}
	filter := map[string]any{"kinds": []int{Kind}, "#p": []string{c.Key.Pub}}
	if err := l.Subscribe("replies", filter, c.take); err != nil {
		l.Close()
		return err
	}
	c.Links = append(c.Links, l)
	return nil
}

// Close leaves every relay.
func (c *Client) Close() {
	for _, l := range c.Links {
		l.Close()
	}
}

// take notes an event and has it opened elsewhere: who reads must not be late with its pongs, whatever there is to decrypt.
func (c *Client) take(ev Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[ev.ID]++
	if c.seen[ev.ID] > 1 || ev.PubKey != c.Signer {
		return
	}
	c.opening++
	go c.open(ev, time.Now())
}

func (c *Client) open(ev Event, came time.Time) {
	r, err := c.read(ev)
	r.Came = came
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.bad = append(c.bad, err.Error())
	} else {
		c.replies[r.ID] = append(c.replies[r.ID], r)
	}
	c.opening--
	close(c.news)
	c.news = make(chan struct{})
}

func (c *Client) read(ev Event) (Reply, error) {
	if err := Verify(&ev); err != nil {
		return Reply{}, err
	}
	text, scheme, err := c.Key.Decrypt(ev.PubKey, ev.Content)
	if err != nil {
		return Reply{}, err
	}
	r, err := ParseReply(text)
	r.Event, r.Scheme = ev, scheme
	return r, err
}

// Bad returns what came from the signer and could not be read.
func (c *Client) Bad() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.bad...)
}

// Replies returns the distinct reply events to one request id so far.
func (c *Client) Replies(id string) []Reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Reply(nil), c.replies[id]...)
}

// Count returns how many reply events came so far, whatever they answer.
func (c *Client) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.opening > 0 {
		news := c.news
		c.mu.Unlock()
		<-news
		c.mu.Lock()
	}
	n := len(c.bad)
	for _, r := range c.replies {
		n += len(r)
	}
	return n
}

// NextID makes a request id.
func (c *Client) NextID() string { return "r" + strconv.FormatUint(c.serial.Add(1), 10) }

// Message is a request's plaintext.
func Message(id, method string, params ...string) string {
	if params == nil {
		params = []string{}
	}
	b, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

// Close closes text into an envelope for the signer, dated now.
func (c *Client) Envelope(text string) Event {
	content, err := c.Key.Encrypt(c.Scheme, c.Signer, text)
	if err != nil {
		panic(err) // keys and sizes are ours
	}
	return c.Wrap(content)
}

// Wrap makes a request event of a ciphertext.
func (c *Client) Wrap(content string) Event {
	ev := Event{Kind: Kind, CreatedAt: nostr.Timestamp(time.Now().Add(c.Skew).Unix()), Tags: nostr.Tags{{"p", c.Signer}}, Content: content}
	c.Key.Sign(&ev)
	return ev
}

// Offer sends an event on every relay.
func (c *Client) Offer(ev Event) {
	for _, l := range c.Links {
		l.Offer(ev)
	}
}

// Await waits for the first reply to a request id.
func (c *Client) Await(id string, patience time.Duration) (Reply, error) {
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		got, news := c.replies[id], c.news
		c.mu.Unlock()
		if len(got) > 0 {
			return got[0], nil
		}
		select {
		case <-news:
		case <-deadline:
			return Reply{}, fmt.Errorf("no reply to %s within %s (unreadable: %q)", id, patience, c.Bad())
		}
	}
}

// Do sends a request on every relay and waits for its reply.
func (c *Client) Do(method string, params ...string) (Reply, error) {
	id := c.NextID()
	return c.Raw(id, Message(id, method, params...))
}

// Raw sends a plaintext as it is and waits for the reply to id.
func (c *Client) Raw(id, text string) (Reply, error) {
	c.Offer(c.Envelope(text))
	return c.Await(id, Patience)
}
