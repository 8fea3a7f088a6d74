package cli

import (
	"context"
	"path/filepath"
)

// KDFCommand is the hidden command that runs one derivation of a passphrase in a
// process of its own (seal.ChildKDF).
const KDFCommand = "kdf"

// errNotRunning says that nobody listens on the socket.
func errNotRunning(dir string, cause error) *failure {
	f := fail("no bunker is running on the data folder %s", dir).withHint("nsecbunker start, in another terminal; or name the folder with --data")
	f.code, f.class, f.cause = exitNotRunning, "not-running", cause
	return f
}

// dialSocket reaches the bunker of the data folder.
func dialSocket(_ context.Context, a *app) (Caller, error) {
	dir, err := a.dataDir()
	if err != nil {
		return nil, err
	}
	return nil, errNotRunning(filepath.Clean(dir), nil)
}
