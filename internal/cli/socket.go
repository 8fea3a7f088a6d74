package cli

import (
	"context"
	"errors"
	"path/filepath"

	"nsecbunker/internal/socket"
)

// KDFCommand is the hidden command that runs one derivation of a passphrase in a
// process of its own (seal.ChildKDF).
const KDFCommand = "kdf"

// errNotRunning says that nobody listens on the socket.
func errNotRunning(dir string, cause error) *failure {
	f := fail("no bunker is running on the data folder %s", dir).
		withHint("start it in another terminal: nsecbunker start; or name its folder with --data")
	f.code, f.class, f.cause = exitNotRunning, "not-running", cause
	return f
}

// dialSocket reaches the bunker of the data folder.
func dialSocket(ctx context.Context, a *app) (Caller, error) {
	dir, err := a.dataDir()
	if err != nil {
		return nil, err
	}
	c, err := socket.Dial(ctx, filepath.Join(dir, socketFile))
	if errors.Is(err, socket.ErrNotRunning) {
		return nil, errNotRunning(dir, err)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}
