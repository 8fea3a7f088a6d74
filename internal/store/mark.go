package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"nsecbunker/internal/bunker"
)

// markFile, in the data folder, says that the store is in a database: without it, a
// start that does not name the database would begin a new, empty bunker beside it.
const markFile = "store-is-elsewhere"

func markPath(path string) string { return filepath.Join(filepath.Dir(path), markFile) }

// mark notes in the data folder of a path that its store is elsewhere.
func mark(path, place string) error {
	err := os.WriteFile(markPath(path), []byte("The store of this bunker is the "+place+".\n"), fileMode)
	if err != nil {
		return folderError(filepath.Dir(path), err)
	}
	return nil
}

func unmark(path string) error {
	if err := os.Remove(markPath(path)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unmarked refuses to begin a store in a folder whose store is elsewhere.
func unmarked(path string) error {
	switch _, err := os.Lstat(markPath(path)); {
	case err == nil:
		return bunker.Errorf(bunker.CodeConflict, "the store of this bunker is in PostgreSQL, as %s says; name the database with --database, or as database in config.toml", markPath(path))
	case !errors.Is(err, fs.ErrNotExist):
		return folderError(filepath.Dir(path), err)
	}
	return nil
}

// noFile refuses a database for a folder that holds a store of its own.
func noFile(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return bunker.Errorf(bunker.CodeConflict, "the data folder has a store of its own, %s; move it into the database, or start without one", path).
			WithHint("nsecbunker migrate-store postgres")
	case !errors.Is(err, fs.ErrNotExist):
		return folderError(filepath.Dir(path), err)
	}
	return nil
}
