package cli

import (
	"context"
	"fmt"
	"os"

	"nsecbunker/internal/daemon"
)

// openDaemon opens the real server.
func openDaemon(ctx context.Context, o serverOptions) (server, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program, which derives passphrases in a child process: %w", err)
	}
	d, err := daemon.Open(ctx, daemon.Options{Dir: o.dir, Config: o.config, Log: o.log, Version: o.version, Admins: o.admins, Executable: exe, Now: o.now})
	if err != nil {
		return nil, err
	}
	return running{d}, nil
}

// running is a daemon as start sees it: whoever starts it sits at the machine.
type running struct{ *daemon.Daemon }

// State implements server.
func (r running) State() string { return string(r.Daemon.State()) }

// Dispatch implements server.
func (r running) Dispatch(ctx context.Context, name string, params []byte) (any, error) {
	return r.Daemon.Dispatch(ctx, daemon.Local(), name, params)
}
