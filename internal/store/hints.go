package store

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"nsecbunker/internal/bunker"
)

const (
	// hintChannel is what instances listen to. A channel is a database's own.
	hintChannel = "nsecbunker"
	// maxHint is the longest payload that a hint may have: NOTIFY takes less than 8,000
	// bytes.
	maxHint = 7_900
	// MaxReplyHints is how many replies one hint names.
	MaxReplyHints = 50
	// listenAgain is how long passes until a connection for hints that was lost is opened
	// again.
	listenAgain = 500 * time.Millisecond
)

// Tell sends a hint to the other instances.
func (s *Store) Tell(ctx context.Context, h bunker.Hint) error {
	h.From = bunker.InstanceID(s.instance)
	text := hintText(&h)
	if len(text) > maxHint {
		return errors.New("a hint is too long")
	}
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	_, err := s.control.db.ExecContext(ctx, `SELECT pg_notify($1, $2)`, hintChannel, text)
	return s.explain("telling the other instances", err)
}

// Listen calls hear with every hint of another instance until ctx ends. heard is called
// whenever it begins to listen: what was said before is not known.
func (s *Store) Listen(ctx context.Context, heard func(), hear func(bunker.Hint)) error {
	e, ok := s.engine.(*postgresEngine)
	if !ok {
		return errors.New("store: hints come from a database only")
	}
	for {
		err := e.listen(ctx, heard, func(text string) {
			if h, ok := ParseHint(text); ok && string(h.From) != s.instance {
				hear(h)
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		s.log.Debug("the hints of other instances cannot be heard now", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(listenAgain):
		}
	}
}

func (e *postgresEngine) listen(ctx context.Context, heard func(), hear func(string)) error {
	conn, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is given up
	if _, err := conn.Exec(ctx, "LISTEN "+hintChannel); err != nil {
		return err
	}
	heard()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		hear(n.Payload)
	}
}

// hintText is a hint on the wire: its kind, from whom, the tenant, then the replies, all
// with a space between.
func hintText(h *bunker.Hint) string {
	parts := []string{string(h.Kind), string(h.From), string(h.Tenant)}
	for _, r := range h.Replies {
		parts = append(parts, hex.EncodeToString(r.Request[:])+":"+hex.EncodeToString(r.Client[:]))
	}
	return strings.Join(parts, " ")
}

// ParseHint reads a hint. What cannot be read is none: a newer program may say more.
func ParseHint(text string) (h bunker.Hint, ok bool) {
	if len(text) > maxHint {
		return h, false
	}
	parts := strings.Split(text, " ")
	if len(parts) < 3 || len(parts)-3 > MaxReplyHints {
		return h, false
	}
	h.Kind, h.From, h.Tenant = bunker.HintKind(parts[0]), bunker.InstanceID(parts[1]), bunker.TenantID(parts[2])
	switch h.Kind {
	case bunker.HintOrder, bunker.HintLease, bunker.HintFollowed, bunker.HintCommitted, bunker.HintReplies:
	default:
		return bunker.Hint{}, false
	}
	for _, p := range parts[3:] {
		request, client, two := strings.Cut(p, ":")
		var r bunker.ReplyHint
		if !two || !intoHex(r.Request[:], request) || !intoHex(r.Client[:], client) {
			return bunker.Hint{}, false
		}
		h.Replies = append(h.Replies, r)
	}
	return h, true
}

func intoHex(to []byte, text string) bool {
	if hex.DecodedLen(len(text)) != len(to) {
		return false
	}
	n, err := hex.Decode(to, []byte(text))
	return err == nil && n == len(to)
}
