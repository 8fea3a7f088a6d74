package daemon

import (
	"context"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
)

// What is asked of an instance itself is asked of the bunker of those who run its
// machine: it has the socket, and the terminal that it was started on.

// State returns how far the bunker is ready.
func (d *Daemon) State() State { return d.home.State() }

// ConnectionString is where admins find the bunker; it is no secret.
func (d *Daemon) ConnectionString() string { return d.home.ConnectionString() }

// SetupCode returns the code of this start; it is made on first use and kept in
// memory only.
func (d *Daemon) SetupCode() string { return d.home.SetupCode() }

// Commands are the rows of the table of commands.
func (d *Daemon) Commands() []*admin.Command {
	k, err := d.home.theDesk()
	if err != nil {
		return nil // it was made when the daemon was opened
	}
	return k.commands.Commands()
}

// Dispatch runs an admin command in this process.
func (d *Daemon) Dispatch(ctx context.Context, p bunker.Principal, name string, params []byte) (any, error) {
	return d.home.Dispatch(ctx, p, name, params)
}

// Subscribe has f called for every happening from now on, in order, from one
// goroutine. f must return at once: keep what it is given, and work elsewhere.
func (d *Daemon) Subscribe(f func(bunker.Happening)) (cancel func()) { return d.home.Subscribe(f) }

// Changed reads the ring anew, before it returns: an app may use a new
// bunker:// string in the next moment.
func (d *Daemon) Changed() (behind []string) { return d.home.Changed() }
