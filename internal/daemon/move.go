package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
)

// MoveStore moves the store of a data folder into a PostgreSQL database, or back into
// the folder. Nothing may run on either. It opens a new incarnation, as a restore does.
func MoveStore(ctx context.Context, dir, database string, back bool, log *slog.Logger, tell store.Progress) (moved store.Moved, err error) {
	err = withServiceKey(dir, os.Getenv("CREDENTIALS_DIRECTORY"), func(v *vault.Vault) (err error) {
		do := store.MoveToDatabase
		if back {
			do = store.MoveToFile
		}
		moved, err = do(ctx, store.Config{
			Path: filepath.Join(dir, DatabaseFile), Database: database, Auth: v, Flags: v, Now: time.Now, Log: log,
		}, Local(), tell)
		return err
	})
	return moved, err
}
