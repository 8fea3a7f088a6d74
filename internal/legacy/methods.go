package legacy

import (
	"context"
	"encoding/json"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// The methods. Those of the first nsecBunker that make something, unlock a key or
// create an account are unknown here.
const (
	ping          = "ping"
	getKeys       = "get_keys"
	getKeyUsers   = "get_key_users"
	getKeyTokens  = "get_key_tokens"
	getPolicies   = "get_policies"
	revokeUser    = "revoke_user"
	acl           = "acl"
	okWord        = "ok"
	listOfKeys    = "key.list"
	listOfApps    = "connection.list"
	showApp       = "connection.show"
	revokeApp     = "connection.revoke"
	listOfTokens  = "token.list"
	listOfPolicys = "policy.list"
	showPolicy    = "policy.show"
	answer        = "approval.answer"
)

// run does what a request asks, and returns its result: text, as JSON almost always.
func (d *Door) run(ctx context.Context, by bunker.Principal, r nip46.Request) ([]byte, error) {
	q := query{d, ctx, by}
	switch r.Method {
	case ping:
		return []byte(okWord), nil
	case getKeys:
		return asJSON(q.keys())
	case getKeyUsers:
		return asJSON(q.users(r.Param(0)))
	case getKeyTokens:
		return asJSON(q.tokens(r.Param(0)))
	case getPolicies:
		return asJSON(q.policies())
	case revokeUser:
		if r.Param(0) == "" {
			return nil, bunker.Errorf(bunker.CodeInvalid, "revoke_user needs the user's id")
		}
		return asJSON([]string{okWord}, q.run(revokeApp, params{"id": r.Param(0)}, nil))
	}
	return nil, bunker.Errorf(bunker.CodeNotFound, "Unknown method %s: this bunker lets old apps read, revoke and answer only", bunker.Display(string(r.Method), nip46.MaxMethod))
}

func asJSON(v any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

type params map[string]any

// query runs commands for one request.
type query struct {
	d   *Door
	ctx context.Context
	by  bunker.Principal
}

// run is one command of the table; into is nil where its result is not looked at.
func (q query) run(name string, p params, into any) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	b, err := q.d.Table.Execute(q.ctx, q.by, admin.Order{Name: name, Params: body})
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// each reads a list to its end, or to MaxRows, newest state first as it comes.
func each[T any](q query, name, field string, p params, f func(T) error) error {
	for seen := 0; seen < MaxRows; {
		var page map[string]json.RawMessage
		if err := q.run(name, p, &page); err != nil {
			return err
		}
		var rows []T
		if err := json.Unmarshal(page[field], &rows); err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
		}
		seen += len(rows)
		var next string
		if page["next"] != nil {
			if err := json.Unmarshal(page["next"], &next); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		p = with(p, "after", next)
	}
	return nil
}

func with(p params, name string, v any) params {
	out := params{name: v}
	for k, old := range p {
		if k != name {
			out[k] = old
		}
	}
	return out
}

// fits says whether one more entry leaves the answer short enough; a list that is
// too long for the protocol ends there.
type fits struct{ size int }

func (f *fits) more(v any) bool {
	b, err := json.Marshal(v)
	f.size += len(b) + 1
	return err == nil && f.size < MaxAnswer-2
}
