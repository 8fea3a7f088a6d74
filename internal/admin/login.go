package admin

import (
	"context"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

func loginCommands(t *Table) {
	add(t, Command{
		Name: "login.expect", Summary: "Lets an app that nobody named before ask to log in, for ten minutes; an admin answers the question.",
		Role: bunker.Operator, Doors: local(), Writes: true,
	}, t.loginExpect)
	add(t, Command{
		Name: "login.close", Summary: "Ends every expected login.",
		Role: bunker.Approver, Doors: local(), Writes: true,
	}, t.loginClose)
}

// expectedClient is what the token of an expected login is called.
const expectedClient = "expected login"

type loginExpectParams struct {
	Key string `json:"key,omitempty" doc:"name or id; without it every key, for apps that have an old link"`
}

type loginExpectResult struct {
	Key      string   `json:"key,omitempty" doc:"name"`
	Until    Time     `json:"until"`
	URI      string   `json:"uri,omitempty" doc:"a bunker:// link without a secret: whoever has it can ask, and nothing more"`
	Relays   []string `json:"relays,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// loginExpect opens the window, and for one key makes a link to come in by: a
// token whose secret nobody knows, so that nothing but the question leads in.
func (t *Table) loginExpect(ctx context.Context, c *Call, p loginExpectParams) (loginExpectResult, error) {
	until := c.Now.Add(approval.ExpectFor)
	res := loginExpectResult{Until: Time(until.UnixMilli())}
	if p.Key == "" {
		rec := &bunker.AuditRecord{Reason: "a login of an unknown app is expected, at every key"}
		return res, c.Commit(ctx, rec, func(tx Tx) error { return expect(tx, "", res.Until) })
	}
	relays := t.Around.AppRelays()
	if len(relays) == 0 {
		return res, bunker.Errorf(bunker.CodeConflict, "there is no relay that the app could use").WithHint("nsecbunker relay add wss://…")
	}
	tok, _, err := t.newToken(c, tokenCreateParams{Client: expectedClient, Expires: Span(approval.ExpectFor)})
	if err != nil {
		return res, err
	}
	signer, err := t.newServiceKey(bunker.RoleSigner, c)
	if err != nil {
		return res, err
	}
	tok.Signer, tok.SecretHash = signer.PubKey, bunker.HashSecret(bunker.NewSecret())
	uri, err := nip46.NewBunkerURI(signer.PubKey, relays, "")
	if err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Object: string(tok.ID)}
	var k *bunker.UserKey
	err = c.Commit(ctx, rec, func(tx Tx) (err error) {
		if k, err = tx.Key(p.Key); err != nil {
			return inKey(err)
		}
		if k.State != bunker.KeyActive {
			return beingDeleted(k)
		}
		tok.Key, rec.Key, rec.Reason = k.ID, k.PubKey.String(), "a login of an unknown app is expected"
		if err := tx.AddServiceKey(&signer); err != nil {
			return err
		}
		if err := tx.PutToken(tok); err != nil {
			return err
		}
		return expect(tx, k.ID, res.Until)
	})
	if err != nil {
		return res, err
	}
	if err := t.Vault.LoadServiceKey(signer); err != nil {
		return res, err
	}
	t.Around.Changed()
	res.Key, res.URI, res.Relays = k.Name, uri.String(), uri.Relays
	if loopbackOnly(relays) {
		res.Warnings = append(res.Warnings, loopbackWords)
	}
	return res, nil
}

// expect notes an open window.
func expect(tx Tx, k bunker.KeyID, until Time) error {
	text, err := tx.Setting(approval.ExpectedName)
	if err != nil {
		return err
	}
	e, err := approval.ParseExpected(text)
	if err != nil {
		return err
	}
	if e == nil {
		e = approval.Expected{}
	}
	if _, again := e[k]; !again && len(e) >= approval.MaxExpected {
		return bunker.Errorf(bunker.CodeConflict, "%d keys expect a login already", approval.MaxExpected).WithHint("nsecbunker login close")
	}
	e[k] = int64(until)
	return tx.PutSetting(approval.ExpectedName, e.Text(tx.Now()))
}

func (t *Table) loginClose(ctx context.Context, c *Call, _ Empty) (Empty, error) {
	rec := &bunker.AuditRecord{Reason: "no login of an unknown app is expected any more"}
	return Empty{}, c.Commit(ctx, rec, func(tx Tx) error { return tx.PutSetting(approval.ExpectedName, "") })
}

func (t *Table) expected(ctx context.Context) (approval.Expected, error) {
	text, err := t.Rows.Setting(ctx, t.Tenant, approval.ExpectedName)
	if err != nil {
		return nil, err
	}
	return approval.ParseExpected(text)
}
