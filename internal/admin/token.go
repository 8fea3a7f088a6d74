package admin

import (
	"context"
	"errors"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

func tokenCommands(t *Table) {
	add(t, Command{
		Name: "token.create", Summary: "Makes a bunker:// link that lets one app in, with the permissions given. It is shown once.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.tokenCreate)
	add(t, Command{
		Name: "token.list", Summary: "Lists the tokens, without their secrets.",
		Role: bunker.Viewer, Doors: local(), Scope: listsOfKey(),
	}, t.tokenList)
	add(t, Command{
		Name: "token.show", Summary: "Shows a token, and the connections that were made with it.",
		Role: bunker.Viewer, Doors: local(), Scope: ofToken(),
	}, t.tokenShow)
	add(t, Command{
		Name: "token.revoke", Summary: "Takes a token back. Connections that were made with it stay; revoke those by themselves.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofToken(),
	}, t.tokenRevoke)
}

type tokenCreateParams struct {
	Key      string `json:"key" doc:"name or id"`
	Client   string `json:"client" doc:"what the connection will be called"`
	Person   string `json:"person,omitempty" doc:"whom it is for"`
	Perms    string `json:"perms,omitempty" doc:"all, or a list such as sign_event:1,nip44_encrypt; none: everything is asked"`
	Policy   string `json:"policy,omitempty" doc:"name or id of a policy to put the app under; perms are beside it"`
	Uses     int64  `json:"uses,omitempty" doc:"how often it can be redeemed (1)"`
	Expires  Span   `json:"expires,omitzero" doc:"how long the link can be used"`
	GrantFor Span   `json:"grant_for,omitzero" doc:"how long the permissions last after it was used"`
}

type tokenCreateResult struct {
	ID       string   `json:"id"`
	URI      string   `json:"uri" doc:"the bunker:// link; it is not shown again"`
	Npub     string   `json:"npub_token,omitempty" doc:"npub#token, for old apps, when the key's npub login is on"`
	Key      string   `json:"key"`
	Perms    string   `json:"perms"`
	Policy   string   `json:"policy,omitempty" doc:"name"`
	Relays   []string `json:"relays"`
	Expires  Time     `json:"expires_at,omitzero"`
	Warnings []string `json:"warnings,omitempty"`
}

func (t *Table) tokenCreate(ctx context.Context, c *Call, p tokenCreateParams) (tokenCreateResult, error) {
	var res tokenCreateResult
	tok, warnings, err := t.newToken(c, p)
	if err != nil {
		return res, err
	}
	relays := t.Around.AppRelays()
	if len(relays) == 0 {
		return res, bunker.Errorf(bunker.CodeConflict, "there is no relay that the app could use").WithHint("nsecbunker relay add wss://…")
	}
	signer, err := t.newServiceKey(bunker.RoleSigner, c)
	if err != nil {
		return res, err
	}
	secret := bunker.NewSecret()
	tok.Signer, tok.SecretHash = signer.PubKey, bunker.HashSecret(secret)
	uri, err := nip46.NewBunkerURI(signer.PubKey, relays, secret)
	if err != nil {
		return res, err
	}
	k, under, err := t.storeToken(ctx, c, p, tok, &signer)
	if err != nil {
		return res, err
	}
	if err := t.Vault.LoadServiceKey(signer); err != nil {
		return res, err
	}
	t.Around.Changed()
	res = tokenCreateResult{
		ID: string(tok.ID), URI: uri.String(), Key: k.Name, Perms: tok.Permissions, Policy: under, Relays: uri.Relays,
		Expires: Time(tok.ExpiresAt), Warnings: warnings,
	}
	if k.NpubLogin {
		res.Npub = nip19.EncodeNpub(k.PubKey) + "#" + secret
	}
	if loopbackOnly(relays) {
		res.Warnings = append(res.Warnings, loopbackWords)
	}
	if tok.MaxUses > 1 {
		res.Warnings = append(res.Warnings, "a link that is used several times lets relays see that its apps belong together")
	}
	if tok.Permissions == "" && tok.Policy == "" {
		then := "everything is asked (nsecbunker approvals)"
		if k.Default == bunker.Deny {
			then = "everything is refused, by the key's default"
		}
		res.Warnings = append(res.Warnings, "the link carries no permissions: "+then)
	}
	return res, nil
}

// newToken checks the parameters.
func (t *Table) newToken(c *Call, p tokenCreateParams) (*bunker.Token, []string, error) {
	client, err := text("client", p.Client, true)
	if err != nil {
		return nil, nil, err
	}
	person, err := text("person", p.Person, false)
	if err != nil {
		return nil, nil, err
	}
	perms, warnings, err := permissions("perms", p.Perms)
	if err != nil {
		return nil, nil, err
	}
	if p.Uses == 0 {
		p.Uses = 1
	}
	if p.Uses < 1 || p.Uses > MaxUses {
		return nil, nil, bunker.Errorf(bunker.CodeInvalid, "a token can be used 1 to %d times", MaxUses).In("uses")
	}
	now := c.Now.UnixMilli()
	tok := &bunker.Token{
		Tenant: t.Tenant, ID: bunker.NewTokenID(), Client: client, Person: person, Permissions: perms, MaxUses: p.Uses,
		State: bunker.TokenOpen, GrantFor: time.Duration(p.GrantFor).Milliseconds(), CreatedBy: c.Principal.Name, CreatedAt: now, Version: 1,
	}
	if p.Expires > 0 {
		tok.ExpiresAt = now + time.Duration(p.Expires).Milliseconds()
	}
	return tok, warnings, nil
}

// storeToken returns the key, and the name of the policy that it puts apps under.
func (t *Table) storeToken(ctx context.Context, c *Call, p tokenCreateParams, tok *bunker.Token, signer *bunker.ServiceKey) (k *bunker.UserKey, under string, err error) {
	rec := &bunker.AuditRecord{Object: string(tok.ID)}
	err = c.Commit(ctx, rec, func(tx Tx) (err error) {
		if k, err = tx.Key(p.Key); err != nil {
			return inKey(err)
		}
		if k.State != bunker.KeyActive {
			return beingDeleted(k)
		}
		if k.Locked {
			return bunker.Errorf(bunker.CodeConflict, "key %s is locked: an app that came by this link would be refused everything", k.Name).In("key").
				WithHint("nsecbunker key unlock %s", k.Name)
		}
		tok.Key = k.ID
		if p.Policy != "" {
			of, err := livePolicy(tx, p.Policy)
			if err != nil {
				return err
			}
			tok.Policy, under = of.ID, of.Name
		}
		rec.Key, rec.Reason = k.PubKey.String(), "for "+tok.Client+": "+rightsWords(tok.Permissions, under)
		if err := tx.AddServiceKey(signer); err != nil {
			return err
		}
		return errors.Join(tx.LinkMade(k, tok.CreatedAt), tx.PutToken(tok))
	})
	return k, under, err
}

// rightsWords are what somebody is given, for the log.
func rightsWords(perms, policy string) string {
	switch {
	case policy != "" && perms != "":
		return "the policy " + policy + ", and " + perms
	case policy != "":
		return "the policy " + policy
	case perms == "":
		return "no permissions"
	}
	return perms
}

type tokenListParams struct {
	Paging
	Key  string `json:"key,omitempty" doc:"of this key only: name or id"`
	Open bool   `json:"open,omitempty" doc:"only those that can be used now"`
}

type tokenListResult struct {
	Tokens []tokenView `json:"tokens"`
	Next   string      `json:"next,omitempty"`
}

type tokenView struct {
	ID        string `json:"id"`
	Key       string `json:"key" doc:"id"`
	Client    string `json:"client"`
	Person    string `json:"person,omitempty"`
	Perms     string `json:"perms"`
	Policy    string `json:"policy,omitempty" doc:"name of the policy that it puts apps under"`
	State     string `json:"state" doc:"open, spent, revoked or expired"`
	Uses      int64  `json:"uses"`
	MaxUses   int64  `json:"max_uses"`
	ExpiresAt Time   `json:"expires_at,omitzero"`
	GrantFor  Span   `json:"grant_for,omitzero"`
	CreatedBy string `json:"created_by"`
	CreatedAt Time   `json:"created_at"`
	Version   int64  `json:"version" doc:"another one after each change; for if_version"`
}

func viewToken(tok *bunker.Token, policies map[string]string, now int64) tokenView {
	v := tokenView{
		Policy: policies[string(tok.Policy)],
		ID:     string(tok.ID), Key: string(tok.Key), Client: tok.Client, Person: tok.Person, Perms: tok.Permissions, State: string(tok.State),
		Uses: tok.Uses, MaxUses: tok.MaxUses, ExpiresAt: Time(tok.ExpiresAt), GrantFor: Span(time.Duration(tok.GrantFor) * time.Millisecond),
		CreatedBy: tok.CreatedBy, CreatedAt: Time(tok.CreatedAt), Version: tok.Version,
	}
	if tok.State == bunker.TokenOpen && tok.ExpiresAt != 0 && now >= tok.ExpiresAt {
		v.State = "expired"
	}
	return v
}

func (t *Table) tokenList(ctx context.Context, c *Call, p tokenListParams) (tokenListResult, error) {
	res := tokenListResult{Tokens: []tokenView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	var of bunker.KeyID
	if p.Key != "" {
		k, err := t.key(ctx, p.Key)
		if err != nil {
			return res, err
		}
		of = k.ID
	}
	names, err := t.policyNames(ctx)
	if err != nil {
		return res, err
	}
	tokens, err := t.Rows.Tokens(ctx, t.Tenant, page)
	for i := range tokens {
		v := viewToken(&tokens[i], names, c.Now.UnixMilli())
		if (of == "" || tokens[i].Key == of) && (!p.Open || v.State == string(bunker.TokenOpen)) {
			res.Tokens = append(res.Tokens, v)
		}
	}
	res.Next = next(tokens, page, func(tok *bunker.Token) string { return string(tok.ID) })
	return res, err
}

type tokenRevokeParams struct {
	ID string `json:"id"`
}

type tokenRevokeResult struct {
	Token tokenView `json:"token"`
}

// tokenRevoke leaves the signer key in memory: who comes with the link is told
// that it is not valid.
func (t *Table) tokenRevoke(ctx context.Context, c *Call, p tokenRevokeParams) (tokenRevokeResult, error) {
	var tok *bunker.Token
	rec := &bunker.AuditRecord{Object: clip(p.ID)}
	err := c.Commit(ctx, rec, func(tx Tx) (err error) {
		if tok, err = tx.Token(bunker.TokenID(p.ID)); err != nil {
			return inID(err, "nsecbunker token list")
		}
		if tok.State == bunker.TokenRevoked {
			return bunker.Errorf(bunker.CodeConflict, "the token %s is revoked already", tok.ID).In("id")
		}
		rec.Reason = "token for " + tok.Client
		if k, err := tx.Key(string(tok.Key)); err == nil { // gone keys have tokens, too
			rec.Key = k.PubKey.String()
		}
		tok.State = bunker.TokenRevoked
		return tx.PutToken(tok)
	})
	if err != nil {
		return tokenRevokeResult{}, err
	}
	names, err := t.policyNames(ctx)
	return tokenRevokeResult{viewToken(tok, names, c.Now.UnixMilli())}, err
}

// inID names the parameter in the error about a row that is not there.
func inID(err error, hint string) error {
	if e := bunker.AsError(err); err != nil && e.Code == bunker.CodeNotFound {
		return e.In("id").WithHint("%s", hint)
	}
	return err
}
