package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

func clockCommands(t *Table) {
	add(t, Command{
		Name: "clock.accept", Summary: "Accepts the machine's clock as right after it jumped.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Machine: true,
	}, t.clockAccept)
}

func (t *Table) clockAccept(ctx context.Context, c *Call, _ Empty) (Empty, error) {
	if !t.Rows.Clock().Suspect {
		return Empty{}, bunker.Errorf(bunker.CodeConflict, "the clock is not suspect; there is nothing to accept")
	}
	return Empty{}, c.Recorded(t.Rows.AcceptClock(ctx, t.Tenant, c.Principal))
}
