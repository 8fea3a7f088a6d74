package legacy

import (
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// What commands return, as far as it is looked at.
type (
	keyRow struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Npub     string `json:"npub"`
		Unlocked bool   `json:"unlocked"`
	}
	appRow struct {
		ID        string     `json:"id"`
		Key       string     `json:"key"`
		Name      string     `json:"name"`
		State     string     `json:"state"`
		Client    string     `json:"client"`
		CreatedAt time.Time  `json:"created_at"`
		LastUsed  *time.Time `json:"last_used"`
	}
	tokenRow struct {
		ID        string     `json:"id"`
		Key       string     `json:"key"`
		Client    string     `json:"client"`
		Policy    string     `json:"policy"`
		State     string     `json:"state"`
		Uses      int64      `json:"uses"`
		ExpiresAt *time.Time `json:"expires_at"`
		CreatedAt time.Time  `json:"created_at"`
	}
	policyRow struct {
		ID          string        `json:"id"`
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Rules       []bunker.Rule `json:"rules"`
		ChangedAt   time.Time     `json:"changed_at"`
		CreatedAt   time.Time     `json:"created_at"`
	}
	grantRow struct {
		ID     string `json:"id"`
		Effect string `json:"effect"`
		Perms  string `json:"perms"`
		Live   bool   `json:"live"`
	}
)

// oldKey is a key of get_keys. One that is not in memory has no npub, by which old
// apps know that it is locked.
type oldKey struct {
	Name       string `json:"name"`
	Npub       string `json:"npub,omitempty"`
	UserCount  *int   `json:"userCount,omitempty"`
	TokenCount *int   `json:"tokenCount,omitempty"`
}

func (q query) keys() ([]oldKey, error) {
	users, tokens := map[string]int{}, map[string]int{}
	if err := each(q, listOfApps, "connections", nil, func(a appRow) error { users[a.Key]++; return nil }); err != nil {
		return nil, err
	}
	if err := each(q, listOfTokens, "tokens", nil, func(t tokenRow) error { tokens[t.Key]++; return nil }); err != nil {
		return nil, err
	}
	out, room := []oldKey{}, fits{}
	err := each(q, listOfKeys, "keys", nil, func(k keyRow) error {
		v := oldKey{Name: k.Name}
		if k.Unlocked {
			u, t := users[k.ID], tokens[k.ID]
			v.Npub, v.UserCount, v.TokenCount = k.Npub, &u, &t
		}
		if room.more(v) {
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// oldUser is a user of get_key_users: a connection.
type oldUser struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"` // the key's
	PubKey      string         `json:"pubkey"`
	Description string         `json:"description,omitempty"`
	CreatedAt   time.Time      `json:"createdAt"`
	LastUsedAt  *time.Time     `json:"lastUsedAt,omitempty"`
	RevokedAt   *time.Time     `json:"revokedAt,omitempty"`
	Conditions  []oldCondition `json:"signingConditions"`
}

type oldCondition struct {
	ID      string  `json:"id"`
	Method  string  `json:"method"`
	Kind    *string `json:"kind"`
	Allowed bool    `json:"allowed"`
}

func (q query) users(key string) ([]oldUser, error) {
	if key == "" {
		return nil, bunker.Errorf(bunker.CodeInvalid, "get_key_users needs the key's name")
	}
	out, room := []oldUser{}, fits{}
	err := each(q, listOfApps, "connections", params{"key": key}, func(a appRow) error {
		if len(out) >= MaxUsers {
			return nil
		}
		u := oldUser{ID: a.ID, Name: key, PubKey: a.Client, Description: a.Name, CreatedAt: a.CreatedAt, LastUsedAt: a.LastUsed}
		switch bunker.ConnectionState(a.State) {
		case bunker.ConnRevoked, bunker.ConnEnded, bunker.ConnExpired:
			// When is in the log; old apps look only whether there is a time.
			if u.RevokedAt = a.LastUsed; u.RevokedAt == nil {
				u.RevokedAt = &a.CreatedAt
			}
		}
		var err error
		if u.Conditions, err = q.conditions(a.ID); err != nil {
			return err
		}
		if room.more(u) {
			out = append(out, u)
		}
		return nil
	})
	return out, err
}

// conditions are the permissions of a connection that count now.
func (q query) conditions(app string) ([]oldCondition, error) {
	var shown struct {
		Grants []grantRow `json:"grants"`
	}
	if err := q.run(showApp, params{"id": app}, &shown); err != nil {
		return nil, err
	}
	out := []oldCondition{}
	for _, g := range shown.Grants {
		list, err := nip46.ParsePermissions(g.Perms)
		if !g.Live || g.Perms == "" || err != nil {
			continue
		}
		for _, p := range list {
			c := oldCondition{ID: g.ID, Method: string(p.Method), Allowed: g.Effect == bunker.Allow.String()}
			if kind, ok := p.EventKind(); ok {
				text := strconv.FormatInt(int64(kind), 10)
				c.Kind = &text
			} else if p.Method == nip46.SignEvent {
				all := "all"
				c.Kind = &all
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// oldToken is a token of get_key_tokens, without the token.
type oldToken struct {
	ID         string     `json:"id"`
	KeyName    string     `json:"key_name"`
	ClientName string     `json:"client_name"`
	Token      string     `json:"token"` // always empty: no secret leaves by this door
	PolicyName string     `json:"policy_name,omitempty"`
	State      string     `json:"state"` // ours
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	Left       *int64     `json:"time_until_expiration"` // seconds
}

func (q query) tokens(key string) ([]oldToken, error) {
	if key == "" {
		return nil, bunker.Errorf(bunker.CodeInvalid, "get_key_tokens needs the key's name")
	}
	out, room := []oldToken{}, fits{}
	err := each(q, listOfTokens, "tokens", params{"key": key}, func(t tokenRow) error {
		v := oldToken{
			ID: t.ID, KeyName: key, ClientName: t.Client, PolicyName: t.Policy, State: t.State, CreatedAt: t.CreatedAt, UpdatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
		}
		if t.ExpiresAt != nil {
			left := int64(t.ExpiresAt.Sub(q.d.Now()) / time.Second)
			v.Left = &left
		}
		if room.more(v) {
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// oldPolicy is a policy of get_policies.
type oldPolicy struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Rules       []oldRule `json:"rules"`
}

type oldRule struct {
	Method string `json:"method"`
	Kind   string `json:"kind"`
	Max    *int64 `json:"max_usage_count"`
	Used   *int64 `json:"current_usage_count"` // never known: a budget is counted for each connection
}

func (q query) policies() ([]oldPolicy, error) {
	out, room := []oldPolicy{}, fits{}
	err := each(q, listOfPolicys, "policies", nil, func(p policyRow) error {
		var shown struct {
			Policy policyRow `json:"policy"`
		}
		if err := q.run(showPolicy, params{"policy": p.ID}, &shown); err != nil {
			return err
		}
		v := oldPolicy{ID: p.ID, Name: p.Name, Description: p.Description, CreatedAt: p.CreatedAt, UpdatedAt: p.ChangedAt, Rules: []oldRule{}}
		for i := range shown.Policy.Rules {
			v.Rules = append(v.Rules, oldRules(&shown.Policy.Rules[i])...)
		}
		if room.more(v) {
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// oldRules is what of a rule the old protocol has words for: what is allowed, by
// method (a right set stands as one) and kind. Old apps take every rule for a permission, so what
// denies or asks is left out.
func oldRules(r *bunker.Rule) []oldRule {
	if r.Effect != bunker.Allow {
		return nil
	}
	methods := append(append([]string{}, r.Methods...), r.Rights...)
	if len(methods) == 0 {
		methods = []string{"all"}
	}
	var limit *int64
	if r.Budget != nil && r.Budget.Total > 0 {
		limit = &r.Budget.Total
	}
	var out []oldRule
	for _, m := range methods {
		if m != string(nip46.SignEvent) || len(r.Kinds) == 0 {
			out = append(out, oldRule{Method: m, Kind: "all", Max: limit})
			continue
		}
		for _, k := range r.Kinds {
			text := strconv.FormatInt(int64(k.From), 10)
			if k.To != k.From {
				text += "-" + strconv.FormatInt(int64(k.To), 10)
			}
			out = append(out, oldRule{Method: m, Kind: text, Max: limit})
		}
	}
	return out
}
