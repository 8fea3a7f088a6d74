package cli

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"nsecbunker/internal/socket"
)

// KDFCommand is the hidden command that runs one derivation of a passphrase in a
// process of its own (seal.ChildKDF).
const KDFCommand = "kdf"

// errNotRunning says that nobody listens on the socket. flag is what was given with
// --data, if anything was.
func errNotRunning(dir, flag string, cause error) *failure {
	f := fail("no bunker is running on the data folder %s", dir)
	if flag == "" {
		f = f.withHint("start it in another terminal: nsecbunker start; or name its folder with --data")
	} else {
		f = f.withHint("start it in another terminal: nsecbunker start --data %s", flag)
	}
	f.code, f.class, f.cause = exitNotRunning, "not-running", cause
	return f
}

// errNotOurs says that another user's bunker is meant: whether it runs cannot be seen.
func errNotOurs(dir string, cause error) *failure {
	f := fail("the data folder %s is not this user's, so its bunker cannot be reached", dir).
		withHint("say it as the user that the bunker runs as, such as: sudo -u nsecbunker nsecbunker --data %s …", dir)
	f.cause = cause
	return f
}

// dialSocket reaches the bunker of the data folder.
func dialSocket(ctx context.Context, a *app) (Caller, error) {
	dir, err := a.dataDir()
	if err != nil {
		return nil, err
	}
	c, err := socket.Dial(ctx, filepath.Join(dir, socketFile))
	if errors.Is(err, fs.ErrPermission) {
		return nil, errNotOurs(dir, err)
	}
	if errors.Is(err, socket.ErrNotRunning) {
		return nil, errNotRunning(dir, a.data, err)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}
