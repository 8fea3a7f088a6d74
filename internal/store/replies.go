package store

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// storedColumns are what a Stored is made of, in the order of fillStored.
const storedColumns = `r.tenant, r.event_id, r.signer, r.client, r.relays, p.part, p.reply_event_id, p.bytes, p.sealed`

// repliesOf joins a request r with its replies p: the auth_url's number is twice
// the request's, the final one's the next.
const repliesOf = `JOIN reply p ON p.no BETWEEN 2 * r.no AND 2 * r.no + 1`

// replyNo is a reply's number.
func replyNo(request int64, part bunker.Part) int64 {
	if part == bunker.PartFinal {
		return 2*request + 1
	}
	return 2 * request
}

func fillStored(row scanner, out *bunker.Stored) error {
	var (
		tenant         string
		event          nostr.ID
		signer, client nostr.PubKey
		relays         []string
		r              bunker.Reply
	)
	err := row.Scan(&tenant, b32{(*[32]byte)(&event)}, b32{(*[32]byte)(&signer)}, b32{(*[32]byte)(&client)}, list{&relays},
		(*string)(&r.Part), b32{(*[32]byte)(&r.EventID)}, &r.Bytes, yesno{&r.Sealed})
	*out = bunker.NewStored(bunker.TenantID(tenant), event, signer, client, relays, r)
	return err
}

// Request returns the state of an event's row, RequestNone where it has none,
// and the replies that are stored for it and not erased yet.
func (s *Store) Request(ctx context.Context, id nostr.ID) (bunker.RequestState, []bunker.Stored, error) {
	state, replies, err := s.request(ctx, s.read, id)
	return state, replies, s.explain("reading a request", err)
}

func (s *Store) request(ctx context.Context, q querier, id nostr.ID) (state bunker.RequestState, replies []bunker.Stored, err error) {
	err = q.QueryRowContext(ctx, `SELECT state FROM request WHERE event_id = $1`, id[:]).Scan((*string)(&state))
	if err != nil {
		if isNone(err) {
			err = nil
		}
		return bunker.RequestNone, nil, err
	}
	replies, err = scanAll(ctx, q, fillStored, `SELECT `+storedColumns+` FROM request r `+repliesOf+`
WHERE r.event_id = $1 AND p.bytes IS NOT NULL ORDER BY p.part`, id[:])
	return state, replies, err
}

// taken reads what another flight stored for an entry's event.
func (s *Store) taken(e *bunker.Entry) bunker.Result {
	if err := s.reconnect(); err != nil {
		return bunker.Result{Outcome: bunker.Failed, Err: s.explain("reading a request", err)}
	}
	state, replies, err := s.request(context.Background(), s.write, e.EventID)
	switch {
	case err != nil:
		return bunker.Result{Outcome: bunker.Failed, Err: s.explain("reading a request", err)}
	case state == bunker.RequestNone: // taken by an entry of a group that then failed
		return bunker.Result{Outcome: bunker.Failed, Err: errors.New("the group was not stored")}
	}
	return bunker.Result{Outcome: bunker.Taken, State: state, Replies: replies}
}

// reread finds out whether an entry is stored after a COMMIT that failed.
func (s *Store) reread(e *bunker.Entry) (bunker.Outcome, error) {
	if s.faults != nil {
		if err := s.faults.At(FaultReread); err != nil {
			return bunker.Failed, err
		}
	}
	if err := s.reconnect(); err != nil {
		return bunker.Failed, err
	}
	state, err := s.requestState(e.EventID)
	switch {
	case err != nil:
		return bunker.Failed, err
	case state == bunker.RequestNone, state == bunker.RequestParked && e.From == bunker.RequestParked:
		return bunker.Failed, nil
	case e.Reply == nil:
		return bunker.Taken, nil
	}
	var ours int
	err = s.write.QueryRowContext(context.Background(), `SELECT count(*) FROM request r `+repliesOf+`
WHERE r.event_id = $1 AND p.reply_event_id = $2`, e.EventID[:], e.Reply.EventID[:]).Scan(&ours)
	if err != nil {
		return bunker.Failed, err
	}
	if ours == 1 {
		return bunker.Committed, nil
	}
	return bunker.Taken, nil
}
