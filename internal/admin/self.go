package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

func selfCommands(t *Table) {
	add(t, Command{
		Name: "admin.self", Summary: "Says who you are to the bunker: your role, and the keys that it is for.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true},
	}, t.adminSelf)
}

type adminSelfResult struct {
	Name   string      `json:"name" doc:"an npub, or local"`
	Role   bunker.Role `json:"role"`
	Keys   []string    `json:"keys,omitempty" doc:"ids: the role is for these keys only; none: the whole bunker"`
	Device string      `json:"device,omitempty"`
}

func (t *Table) adminSelf(_ context.Context, c *Call, _ Empty) (adminSelfResult, error) {
	p := c.Principal
	return adminSelfResult{p.Name, p.Role, idTexts(p.Keys), p.Device}, nil
}
