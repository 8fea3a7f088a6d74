package legacy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Question is a question as an old app shows it.
type Question struct {
	ID     bunker.ApprovalID
	Key    bunker.KeyID
	Name   string // of the key
	Client nostr.PubKey
	App    string // its name here; "" when nobody gave it one
	Method string
	Kind   int64 // -1 unless of sign_event
	Digest [32]byte
	// Param is what is to be done: the event as JSON, or the other party.
	Param string
	Until int64 // unix ms
}

// asked is a question that was sent to one admin under an id of its own.
type asked struct {
	Question
	of nostr.PubKey
}

// Ask sends a question to those who use the door now and may answer it.
func (d *Door) Ask(ctx context.Context, id bunker.ApprovalID) {
	for _, who := range d.callers() {
		st, ok, err := d.Rows.Legacy(ctx, who.pub)
		if err != nil || !ok || st.Role < bunker.Approver {
			continue
		}
		q, err := d.Rows.Question(ctx, id)
		if err != nil || len(st.Keys) > 0 && !contains(st.Keys, q.Key) {
			continue
		}
		d.ask(who, q)
	}
}

func contains(keys []bunker.KeyID, k bunker.KeyID) bool {
	for _, have := range keys {
		if have == k {
			return true
		}
	}
	return false
}

type target struct {
	pub nostr.PubKey
	caller
}

// callers are those who were heard lately.
func (d *Door) callers() []target {
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []target
	for pub, c := range d.heard {
		if now.Sub(c.at) < HeardFor {
			out = append(out, target{pub, *c})
		}
	}
	return out
}

func (d *Door) ask(to target, q Question) {
	var raw [16]byte
	rand.Read(raw[:])
	id := hex.EncodeToString(raw[:])
	about, err := json.Marshal(struct {
		KeyName      string `json:"keyName"`
		RemotePubkey string `json:"remotePubkey"`
		Method       string `json:"method"`
		Param        string `json:"param"`
		Description  string `json:"description,omitempty"`
	}{q.Name, q.Client.String(), q.Method, q.Param, q.App})
	if err != nil || len(about) > MaxAnswer {
		return // it is answered elsewhere
	}
	message := nip46.Request{ID: id, Method: acl, Params: []string{string(about)}}.AppendJSON(nil)
	d.mu.Lock()
	for len(d.order) >= MaxAsked {
		delete(d.asked, d.order[0])
		d.order = d.order[1:]
	}
	d.asked[id], d.order = asked{q, to.pub}, append(d.order, id)
	d.mu.Unlock()
	d.send(to.pub, to.link, to.scheme, message)
}

// answered takes the answer to a question: it must be to one that was sent, by whom it
// was sent to. That it is open still, and that he may, the table finds out. There is no
// answer to an answer: what is refused is told to the relay.
func (d *Door) answered(ctx context.Context, by bunker.Principal, message []byte) (bool, string) {
	r, err := nip46.ParseReply(message)
	if err != nil {
		return false, "invalid: neither a request nor an answer"
	}
	d.mu.Lock()
	a, known := d.asked[r.ID]
	d.mu.Unlock()
	if !known || a.of != by.PubKey {
		return false, "blocked: nothing was asked under this id"
	}
	p, err := a.params(r.Result)
	if err == nil {
		err = query{d, ctx, by}.run(answer, p, nil)
	}
	if err != nil {
		return false, "restricted: " + bunker.AsError(err).Words
	}
	d.mu.Lock()
	delete(d.asked, r.ID) // its place in order goes with time
	d.mu.Unlock()
	return true, ""
}

// params reads ["always", name, {"kind": …}] or ["never"]: the answers of old apps.
func (a *asked) params(result string) (params, error) {
	var parts []json.RawMessage
	var word string
	if err := json.Unmarshal([]byte(result), &parts); err != nil || len(parts) == 0 || json.Unmarshal(parts[0], &word) != nil {
		return nil, bunker.Errorf(bunker.CodeInvalid, "the answer is none that is known")
	}
	p := params{"id": string(a.ID), "digest": hex.EncodeToString(a.Digest[:])}
	var name *string
	if len(parts) > 1 && json.Unmarshal(parts[1], &name) == nil && name != nil {
		if n := bunker.Display(*name, maxName); n != "" {
			p["name"] = n
		}
	}
	login := a.Method == string(nip46.Connect)
	switch {
	case word == "never" && login:
		p["deny"] = true
		return p, nil
	case word == "never":
		p["deny"], p["never"] = true, true
		return p, nil
	case word != "always":
		return nil, bunker.Errorf(bunker.CodeInvalid, "the answer is none that is known")
	case login:
		return p, nil // let in; what it may do is asked
	}
	scope, err := a.scope(parts[1:])
	p["scope"] = string(scope)
	return p, err
}

// maxName is the longest name of a connection, in characters.
const maxName = 64

// scope is how far an "always" goes: to the kind that was shown, or to all kinds where
// the app says so. What names another kind is not an answer to this question.
func (a *asked) scope(parts []json.RawMessage) (approval.Scope, error) {
	var said struct {
		Kind json.RawMessage `json:"kind"`
	}
	if len(parts) > 1 && string(parts[1]) != "null" {
		if err := json.Unmarshal(parts[1], &said); err != nil {
			return "", bunker.Errorf(bunker.CodeInvalid, "the answer is none that is known")
		}
	}
	kind := string(said.Kind)
	if text, err := strconv.Unquote(kind); err == nil {
		kind = text
	}
	switch {
	case kind == "" && a.Kind < 0:
		return approval.Method, nil
	case kind == "all" && a.Kind >= 0:
		return approval.Kinds, nil
	case kind != "" && kind == strconv.FormatInt(a.Kind, 10):
		return approval.Kind, nil
	}
	return "", bunker.Errorf(bunker.CodeInvalid, "the answer is about another kind than the question")
}

// Sweep forgets questions whose time is over.
func (d *Door) Sweep(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := d.order[:0]
	for _, id := range d.order {
		a, ok := d.asked[id]
		if ok && a.Until <= now.UnixMilli() {
			delete(d.asked, id)
			ok = false
		}
		if ok {
			kept = append(kept, id)
		}
	}
	d.order = kept
}
