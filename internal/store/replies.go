package store

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// storedColumns are what a Stored is made of, in the order of fillStored.
const storedColumns = `r.tenant, r.event_id, r.signer, r.client, r.relays, p.part, p.reply_event_id, p.bytes, p.sealed`

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
	replies, err = scanAll(ctx, q, fillStored, `SELECT `+storedColumns+` FROM request r JOIN reply p ON p.created_at = r.created_at AND p.event_id = r.event_id
WHERE r.event_id = $1 AND p.bytes IS NOT NULL ORDER BY p.part`, id[:])
	return state, replies, err
}

// taken reads what another flight stored for an entry's event.
func (s *Store) taken(e *bunker.Entry) bunker.Result {
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
	err = s.write.QueryRowContext(context.Background(), `SELECT count(*) FROM reply WHERE reply_event_id = $1 AND event_id = $2
AND created_at = (SELECT created_at FROM request WHERE event_id = $2)`, e.Reply.EventID[:], e.EventID[:]).Scan(&ours)
	if err != nil {
		return bunker.Failed, err
	}
	if ours == 1 {
		return bunker.Committed, nil
	}
	return bunker.Taken, nil
}
