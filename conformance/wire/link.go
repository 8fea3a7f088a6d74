package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Patience is how long anything is waited for: an answer within seconds is promised, and machines can be very busy.
const Patience = time.Minute

// maxFrame bounds a frame from a relay in bytes.
const maxFrame = 8 << 20

// Link is one connection to a relay. Its methods may be called from several goroutines.
type Link struct {
	URL  string
	conn *websocket.Conn
	done chan struct{} // closed when the relay is gone

	mu       sync.Mutex
	oks      map[string]chan OK
	eoses    map[string]chan struct{}
	handlers map[string]func(Event)
	// Notices, Closed and Auth are what the relay said besides.
	notices []string
	closed  map[string]string
	auth    []string
}

// OK is a relay's word on an event.
type OK struct {
	OK     bool
	Reason string
}

// Dial connects to a relay.
func Dial(url string) (*Link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	conn.SetReadLimit(maxFrame)
	l := &Link{
		URL: url, conn: conn, done: make(chan struct{}),
		oks: map[string]chan OK{}, eoses: map[string]chan struct{}{}, handlers: map[string]func(Event){}, closed: map[string]string{},
	}
	go l.read()
	return l, nil
}

// Close ends the connection.
func (l *Link) Close() { _ = l.conn.CloseNow() }

// Gone is closed when the connection has ended.
func (l *Link) Gone() <-chan struct{} { return l.done }

func (l *Link) read() {
	defer close(l.done)
	for {
		_, raw, err := l.conn.Read(context.Background())
		if err != nil {
			return
		}
		l.take(raw)
	}
}

func (l *Link) take(raw []byte) {
	var frame []json.RawMessage
	var label, second string
	if json.Unmarshal(raw, &frame) != nil || len(frame) < 2 || json.Unmarshal(frame[0], &label) != nil {
		return
	}
	_ = json.Unmarshal(frame[1], &second) // every label that we know has a text there
	switch label {
	case "EVENT":
		var ev Event
		if len(frame) == 3 && json.Unmarshal(frame[2], &ev) == nil {
			l.mu.Lock()
			handle := l.handlers[second]
			l.mu.Unlock()
			if handle != nil {
				handle(ev)
			}
		}
		return
	case "OK":
		l.takeOK(second, frame)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch label {
	case "EOSE":
		if c := l.eoses[second]; c != nil {
			close(c)
			delete(l.eoses, second)
		}
	case "NOTICE":
		l.notices = append(l.notices, second)
	case "CLOSED":
		var why string
		if len(frame) > 2 {
			_ = json.Unmarshal(frame[2], &why)
		}
		l.closed[second] = why
	case "AUTH":
		l.auth = append(l.auth, second)
	}
}

func (l *Link) takeOK(id string, frame []json.RawMessage) {
	var ok OK
	if len(frame) < 3 || json.Unmarshal(frame[2], &ok.OK) != nil {
		return
	}
	if len(frame) > 3 {
		_ = json.Unmarshal(frame[3], &ok.Reason)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.oks[id]; c != nil {
		c <- ok
		delete(l.oks, id)
	}
}

// Send sends a frame as it is.
func (l *Link) Send(frame string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, []byte(frame))
}

// Subscribe asks for what filter names, calls handle with each event, and returns after the EOSE.
func (l *Link) Subscribe(id string, filter map[string]any, handle func(Event)) error {
	eose := make(chan struct{})
	l.mu.Lock()
	l.eoses[id], l.handlers[id] = eose, handle
	l.mu.Unlock()
	frame, err := json.Marshal([]any{"REQ", id, filter})
	if err != nil {
		return err
	}
	if err := l.Send(string(frame)); err != nil {
		return err
	}
	select {
	case <-eose:
		return nil
	case <-l.done:
		return errors.New("the relay hung up")
	case <-time.After(Patience):
		return fmt.Errorf("%s sent no EOSE", l.URL)
	}
}

// Publish sends an event and returns the relay's word on it.
func (l *Link) Publish(ev Event) (OK, error) {
	wait := l.Offer(ev)
	select {
	case ok := <-wait:
		return ok, nil
	case <-l.done:
		return OK{}, errors.New("the relay hung up")
	case <-time.After(Patience):
		return OK{}, fmt.Errorf("%s sent no OK", l.URL)
	}
}

// Offer sends an event; the relay's word comes on the channel, if it comes.
func (l *Link) Offer(ev Event) <-chan OK {
	wait := make(chan OK, 1)
	l.mu.Lock()
	l.oks[ev.ID] = wait
	l.mu.Unlock()
	_ = l.Send(`["EVENT",` + ev.String() + `]`) // a dead link shows in that no OK comes
	return wait
}

// Notices returns what the relay said to people so far.
func (l *Link) Notices() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.notices)
}
