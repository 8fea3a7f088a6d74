package daemon

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
)

// MoveStore moves the store of a data folder into a PostgreSQL database, or back into
// the folder. Nothing may run on either. It opens a new incarnation, as a restore does.
func MoveStore(ctx context.Context, dir, database string, back bool, log *slog.Logger, tell store.Progress) (moved store.Moved, err error) {
	path := filepath.Join(dir, DatabaseFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && !back {
		return moved, bunker.Errorf(bunker.CodeNotFound, "there is no store %s to move; name the data folder with --data", path)
	}
	err = withServiceKey(dir, os.Getenv("CREDENTIALS_DIRECTORY"), func(v *vault.Vault) (err error) {
		do := store.MoveToDatabase
		if back {
			do = store.MoveToFile
		}
		moved, err = do(ctx, store.Config{
			Path: path, Database: database, Auth: v, Flags: v, Now: time.Now, Log: log, Ready: withTenants(v),
		}, Local(), tell)
		return err
	})
	return moved, err
}
