package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// Call runs a command. params is a JSON object or empty; the result is decoded
// into result, nil for nowhere. What the bunker wants signed is signed by the
// admin's key; passphrase is not used at this door. A change is made once, however
// often it has to be sent. Refusals are *bunker.Error.
func (c *Client) Call(ctx context.Context, name string, params json.RawMessage, _ []byte, result any) error {
	var op [16]byte
	rand.Read(op[:])
	o := adminwire.Order{SID: c.ready.SID, Op: hex.EncodeToString(op[:]), Cmd: name, Params: params}
	raw, err := c.order(ctx, &o)
	var refused *bunker.Error
	if errors.As(err, &refused) && refused.Code == bunker.CodeNeedsProof && refused.Field == "" {
		if c.cfg.Signer == nil {
			return bunker.Errorf(bunker.CodeRestricted, "%s", refused.Words).WithHint("%s", refused.Hint)
		}
		raw, err = c.signedOrder(ctx, &o)
	}
	if err != nil {
		return err
	}
	defer secret.Wipe(raw)
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(raw, result); err != nil {
		return fmt.Errorf("reading the bunker's answer to %s: %w", name, err)
	}
	return nil
}

// signedOrder sends a dangerous command with A's signature over it.
func (c *Client) signedOrder(ctx context.Context, o *adminwire.Order) (json.RawMessage, error) {
	o.N = c.number()
	s := adminwire.Signed{Bunker: c.hs.Bunker, Session: c.hs.Client, H2: c.ready.H2, N: o.N, Op: o.Op, Name: o.Cmd, Params: o.Params}
	t, err := s.Template(c.cfg.Now().Unix())
	if err != nil {
		return nil, err
	}
	if o.Proof, err = c.cfg.Signer.Sign(ctx, t); err != nil {
		return nil, fmt.Errorf("signing the command %s: %w", o.Cmd, err)
	}
	return c.numbered(ctx, o)
}

func (c *Client) number() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.next
}

func (c *Client) order(ctx context.Context, o *adminwire.Order) (json.RawMessage, error) {
	o.N = c.number()
	return c.numbered(ctx, o)
}

// numbered sends an order and waits for its answer, in as many parts as it has.
func (c *Client) numbered(ctx context.Context, o *adminwire.Order) (json.RawMessage, error) {
	got := make(chan answer, 2*adminwire.PartsAhead)
	c.mu.Lock()
	c.calls[o.N] = got
	o.Ack = c.ack
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.calls, o.N)
		c.mu.Unlock()
	}()
	plain := o.Append()
	defer secret.Wipe(plain)
	if len(plain) > adminwire.MaxPlaintext {
		return nil, bunker.Errorf(bunker.CodeInvalid, "the command is longer than %d bytes, the most that can be sent over relays; run it on the bunker's machine", adminwire.MaxPlaintext)
	}
	a, err := roundTrip(ctx, c, c.keyS, plain, got, AnswerPatience)
	if errors.Is(err, ErrSilent) {
		return nil, fmt.Errorf("the bunker did not answer: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return c.whole(ctx, o.N, a, got)
}

// whole puts an answer together.
func (c *Client) whole(ctx context.Context, n int64, first answer, got <-chan answer) (json.RawMessage, error) {
	var parts adminwire.Assembly
	for a := first; ; {
		if a.Error != nil {
			e := a.Error
			return nil, &bunker.Error{Code: bunker.Code(e.Code), Words: e.Words, Hint: e.Hint, Field: e.Field}
		}
		if a.Part == nil {
			return a.Result, nil
		}
		if err := parts.Add(a.Part); err != nil {
			return nil, fmt.Errorf("reading the bunker's answer: %w", err)
		}
		secret.Wipe(a.plain)
		from, more := parts.Missing()
		if !more {
			return parts.Result()
		}
		var err error
		if a, err = c.nextPart(ctx, n, from, parts.Behind(), got); err != nil {
			return nil, err
		}
	}
}

// nextPart waits for a part, and asks for more where that is due: when those that
// were sent are here, or when nothing comes.
func (c *Client) nextPart(ctx context.Context, n, from int64, ask bool, got <-chan answer) (a answer, err error) {
	if !ask {
		t := time.NewTimer(adminwire.ResendAfter)
		defer t.Stop()
		select {
		case a := <-got:
			return a, nil
		case <-ctx.Done():
			return a, context.Cause(ctx)
		case <-t.C:
		}
	}
	more := adminwire.Order{SID: c.ready.SID, More: &adminwire.More{Re: n, From: from}}
	a, err = roundTrip(ctx, c, c.keyS, more.Append(), got, LoginPatience)
	if err != nil {
		return a, fmt.Errorf("the rest of the bunker's answer did not come: %w", err)
	}
	return a, nil
}

// Standing is how the session stands.
type Standing struct {
	Notice    int64  `json:"notice"` // the number of the last one
	State     string `json:"state"`
	Role      string `json:"role"`
	Confirmed bool   `json:"confirmed"`
}

// Sync asks how the session stands: after a gap in the notices, read anew what is
// shown.
func (c *Client) Sync(ctx context.Context) (s Standing, err error) {
	err = c.Call(ctx, "sync", nil, nil, &s)
	if err == nil && s.Confirmed {
		c.mu.Lock()
		c.confirmed = true
		c.mu.Unlock()
	}
	return s, err
}

// Notice waits for the next one.
func (c *Client) Notice(ctx context.Context) (adminwire.Notice, error) {
	select {
	case n := <-c.notices:
		return n, nil
	case <-ctx.Done():
		return adminwire.Notice{}, context.Cause(ctx)
	}
}

// askEvery is how often a device that waits asks how it stands, should the notice
// of it have been lost.
const askEvery = 15 * time.Second

// AwaitConfirmation waits until somebody confirms this device.
func (c *Client) AwaitConfirmation(ctx context.Context) error {
	for !c.Confirmed() {
		short, cancel := context.WithTimeout(ctx, askEvery)
		n, err := c.Notice(short)
		cancel()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && n.Type == "ended":
			return bunker.Errorf(bunker.CodeRestricted, "this device was turned away")
		case err != nil:
			if _, err := c.Sync(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
