package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Orders that are the session's own and not in the table of commands.
const (
	cmdBye  = "bye"
	cmdSync = "sync"
)

// inSession works on what the key of a session sends.
func (d *Door) inSession(ctx context.Context, s *live, link string, ev *nostr.Event, now time.Time) (bool, string) {
	if !s.hold(MaxRunning) {
		return false, "rate-limited: wait for the answers to what you asked"
	}
	defer s.free()
	plain, err := decrypt(s.key, ev.Content)
	if err != nil {
		return d.proofAgain(s, arrival{link, ev, now})
	}
	defer secret.Wipe(plain)
	m, err := adminwire.ParseOrder(plain)
	if err != nil || m.SID != s.sid {
		return false, "invalid: not a message of this session"
	}
	if !s.heardOn(arrival{link, ev, now}) {
		return false, "rate-limited: too many messages in this session; slow down"
	}
	if was, _ := s.answered(about(&m)); was {
		// It is sent again to who may still have it.
		if _, err := d.standing(ctx, s); err != nil {
			return false, "restricted: the session is over, or the bunker cannot read its store"
		}
	}
	if m.More != nil {
		if was, kept := s.answered(m.More.Re); was && !kept {
			d.reply(s, alreadyAnswered(m.More.Re), now)
			return true, ""
		}
		d.send(s, s.parts(m.More))
		return true, ""
	}
	switch claim, kept := s.claim(m.N, now); claim {
	case claimNew:
		d.answer(ctx, s, &m, now)
	case claimAnswered:
		d.send(s, kept)
	case claimGone:
		d.reply(s, alreadyAnswered(m.N), now)
	case claimRunning:
	default:
		return false, "invalid: the number is not in the window of this session"
	}
	return true, ""
}

// about is the number of the order that a message is about.
func about(m *adminwire.Order) int64 {
	if m.More != nil {
		return m.More.Re
	}
	return m.N
}

// alreadyAnswered is the answer to what was answered.
func alreadyAnswered(n int64) *adminwire.Message {
	return &adminwire.Message{Re: n, Error: refusal(bunker.Errorf(bunker.CodeConflict,
		"this was answered, and the answer is not kept any more; look at how things are now"))}
}

// proofAgain answers the proof that made the session with the same bytes.
func (d *Door) proofAgain(s *live, a arrival) (bool, string) {
	for _, e := range d.standingEpochs(a.now) {
		plain, key, err := e.open(d.Arena, a.ev)
		if err != nil {
			continue
		}
		key.Destroy()
		s.mu.Lock()
		ready, same := s.ready, sha256.Sum256(plain) == s.proof
		s.mu.Unlock()
		if same && ready != nil {
			d.Out.Send(ready, a.link)
			return true, ""
		}
		break
	}
	return false, silence
}

// heardOn notes where the client is heard, and spends one of its messages.
func (s *live) heardOn(a arrival) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind, s.link = a.ev.Kind, a.link
	return s.rate.allow(a.now)
}

// answer runs a new order and sends what it returns.
func (d *Door) answer(ctx context.Context, s *live, m *adminwire.Order, now time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CommandTimeout)
	defer cancel()
	result, err := d.run(ctx, s, m)
	defer secret.Wipe(result)
	out := adminwire.Message{Re: m.N, Result: result}
	if err == nil && len(result) > adminwire.MaxAnswer {
		err = bunker.Errorf(bunker.CodeError, "the answer is larger than %d bytes; ask for less of it", adminwire.MaxAnswer)
	}
	if err != nil {
		out = adminwire.Message{Re: m.N, Error: refusal(err)}
	}
	d.reply(s, &out, d.Now())
	if m.Cmd == cmdBye {
		d.drop(s, now)
	}
}

func refusal(err error) *adminwire.Refusal {
	e := bunker.AsError(err)
	return &adminwire.Refusal{Code: string(e.Code), Words: e.Words, Hint: e.Hint, Field: e.Field}
}

// reply sends an answer, in parts where it is long, and keeps it.
func (d *Door) reply(s *live, m *adminwire.Message, now time.Time) {
	messages := []adminwire.Message{*m}
	if len(m.Result) > adminwire.PartSize {
		messages = adminwire.Cut(m.Re, m.Result)
	}
	events := make([]*nostr.Event, 0, len(messages))
	for i := range messages {
		ev, err := s.event(&messages[i], now)
		if err != nil {
			return // the session is over
		}
		events = append(events, ev)
	}
	s.keep(m.Re, events)
	d.trim(s)
	d.send(s, events[:min(len(events), adminwire.PartsAhead)])
}

func (d *Door) send(s *live, events []*nostr.Event) {
	link := s.heardBy()
	for _, ev := range events {
		d.Out.Send(ev, link)
	}
}

// standing is how whoever has the session stands now, as the store says; it ends the
// session of somebody who is no admin any more.
func (d *Door) standing(ctx context.Context, s *live) (Standing, error) {
	st, err := d.Rows.Standing(ctx, s.person, s.device)
	if err != nil {
		return st, err
	}
	if st.Role == bunker.NoRole || st.Device == DeviceOut {
		d.notice(s, noticeEnded, nil) // what else is under way is not answered
		d.drop(s, d.Now())
		return st, bunker.Errorf(bunker.CodeRestricted, "not an admin here any more, or not with this device; the session is over")
	}
	s.stands(&st)
	return st, nil
}

// run does what was ordered. Who may do what is read from the store each time.
func (d *Door) run(ctx context.Context, s *live, m *adminwire.Order) (json.RawMessage, error) {
	if m.Cmd == cmdBye {
		return json.RawMessage("{}"), nil
	}
	st, err := d.standing(ctx, s)
	if err != nil {
		return nil, err
	}
	confirmed := s.isConfirmed() && st.Device == DeviceConfirmed
	if m.Cmd == cmdSync {
		return s.sync(&st, confirmed)
	}
	p := bunker.Principal{
		Name: personName(s.person), Role: st.role(), Door: bunker.DoorRelay, PubKey: s.person, Device: s.device, Keys: st.Keys,
	}
	if !confirmed {
		return d.unconfirmed(ctx, s, &st, p, m)
	}
	if st.State == Sealed && m.Cmd != "status" && m.Cmd != "unseal" && m.Cmd != "stop" {
		return nil, bunker.Errorf(bunker.CodeSealed, "the bunker is sealed").WithHint("nsecbunker unseal")
	}
	if m.Proof != nil {
		signed := adminwire.Signed{Bunker: d.Admin, Session: s.client, H2: s.h2, N: m.N, Op: m.Op, Name: m.Cmd, Params: m.Params}
		if s.person.IsZero() || !signed.Check(s.person, m.Proof) {
			return nil, bunker.Errorf(bunker.CodeRestricted, "the signature is not yours, or not for this command with these parameters").In("proof")
		}
		p.Fresh = true
	}
	b, err := d.Table.Execute(ctx, p, admin.Order{Name: m.Cmd, Params: m.Params, Op: m.Op, IfVersion: m.IfVersion})
	return b, needsSignature(err)
}

// needsSignature says what a fresh proof is at this door.
func needsSignature(err error) error {
	if e := bunker.AsError(err); err != nil && e.Code == bunker.CodeNeedsProof && e.Field == "" {
		return bunker.Errorf(bunker.CodeNeedsProof, "this command needs your signature over it; a device without your key cannot give it: do this in the bunker's terminal")
	}
	return err
}

func personName(p nostr.PubKey) string {
	if p.IsZero() {
		return "local"
	}
	return nip19.EncodeNpub(p)
}

type syncResult struct {
	Notice    int64  `json:"notice"`
	State     string `json:"state"`
	Role      string `json:"role"`
	Confirmed bool   `json:"confirmed"`
	Until     int64  `json:"until"`
}

// sync says up to which notice what is read now is true, and how the session
// stands.
func (s *live) sync(st *Standing, confirmed bool) (json.RawMessage, error) {
	role := bunker.NoRole
	if confirmed {
		role = st.role()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(syncResult{s.notices, st.State, role.String(), confirmed, s.until.Unix()})
}

type confirmParams struct {
	Passphrase secret.Param `json:"passphrase,omitempty"`
	SetupCode  secret.Param `json:"setup_code,omitempty"`
}

// unconfirmed is all that an unknown device may do: ask to be confirmed, and, in a
// bunker that is not set up, set it up with the code.
func (d *Door) unconfirmed(ctx context.Context, s *live, st *Standing, p bunker.Principal, m *adminwire.Order) (json.RawMessage, error) {
	switch {
	case st.State == NotSetUp && m.Cmd == "setup" && s.pair == nil:
		p.Role = bunker.Owner // the code is what proves it: see the command
		b, err := d.Table.Execute(ctx, p, admin.Order{Name: m.Cmd, Params: m.Params, Op: m.Op})
		if err != nil {
			return nil, err
		}
		_, err = d.confirm(ctx, s, p)
		return b, err
	case m.Cmd == "device.confirm" && s.pair == nil && st.State != NotSetUp:
		return d.confirmSelf(ctx, s, st, p, m)
	}
	return nil, bunker.Errorf(bunker.CodeRestricted, "this device is not confirmed yet; its code is %s", s.code).
		In("device").WithHint("nsecbunker device confirm %s", s.code)
}

// confirmSelf confirms a device by the bunker's passphrase, whose tries are
// counted, or by the setup code of this start.
func (d *Door) confirmSelf(ctx context.Context, s *live, st *Standing, p bunker.Principal, m *adminwire.Order) (json.RawMessage, error) {
	in, err := admin.Decode[confirmParams](m.Params)
	defer in.Passphrase.Wipe()
	defer in.SetupCode.Wipe()
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.SetupCode) > 0:
		if subtle.ConstantTimeCompare(in.SetupCode, []byte(d.SetupCode())) != 1 {
			return nil, bunker.Errorf(bunker.CodeNeedsProof, "the setup code is wrong; the bunker's log shows it").In("setup_code")
		}
	case len(in.Passphrase) > 0 && st.State == Sealed:
		// It opens the bunker: that is the proof.
		p.Role = bunker.Viewer
		if _, err := d.Table.Execute(ctx, p, admin.Order{Name: "unseal", Params: passphraseJSON(in.Passphrase)}); err != nil {
			return nil, err
		}
	case len(in.Passphrase) > 0:
		if err := d.Prover.Prove(ctx, in.Passphrase); err != nil {
			return nil, err
		}
	default:
		return nil, bunker.Errorf(bunker.CodeNeedsProof, "confirm this device with the bunker's passphrase, or from elsewhere; its code is %s", s.code).In("passphrase")
	}
	return d.confirm(ctx, s, p)
}

func passphraseJSON(p secret.Param) []byte {
	return append(p.Reveal().AppendJSON([]byte(`{"passphrase":`)), '}')
}

// confirm stores the session's device, by the table's command.
func (d *Door) confirm(ctx context.Context, s *live, p bunker.Principal) (json.RawMessage, error) {
	p.Role = bunker.Viewer // it confirms the person's own
	code, err := json.Marshal(map[string]string{"digits": s.code})
	if err != nil {
		return nil, err
	}
	return d.Table.Execute(ctx, p, admin.Order{Name: "device.confirm", Params: code})
}
