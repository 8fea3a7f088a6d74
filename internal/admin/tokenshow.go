package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

type tokenShowParams struct {
	ID string `json:"id"`
}

type tokenShowResult struct {
	Token       tokenView        `json:"token"`
	Connections []connectionView `json:"connections" doc:"made with it, or brought back by it, the oldest first"`
}

// tokenShow says who redeemed a token: the connections, of which each has its app's
// pubkey, when it was made, and when it was used last.
func (t *Table) tokenShow(ctx context.Context, c *Call, p tokenShowParams) (tokenShowResult, error) {
	now := c.Now.UnixMilli()
	tok, err := t.Rows.Token(ctx, t.Tenant, bunker.TokenID(p.ID))
	if err != nil {
		return tokenShowResult{}, inID(err, "nsecbunker token list")
	}
	names, err := t.policyNames(ctx)
	if err != nil {
		return tokenShowResult{}, err
	}
	res := tokenShowResult{Token: viewToken(tok, names, now), Connections: []connectionView{}}
	conns, err := t.Rows.Redeemed(ctx, t.Tenant, tok.ID)
	for i := range conns {
		res.Connections = append(res.Connections, viewConnection(&conns[i], now))
	}
	return res, err
}
