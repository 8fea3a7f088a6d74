package cli

import (
	"os"
	"path/filepath"
)

// defaultDataWords is where the data are when nobody says so.
const defaultDataWords = "$XDG_DATA_HOME/nsecbunker"

// socketFile is the socket's name in the data folder.
const socketFile = "bunker.sock"

// dataDir is the data folder: --data, $NSECBUNKER_DATA, the XDG data folder; an
// absolute path.
func (a *app) dataDir() (string, error) {
	dir := a.data
	if dir == "" {
		dir = a.getenv("NSECBUNKER_DATA")
	}
	if dir == "" {
		base, err := a.xdg("XDG_DATA_HOME", ".local/share")
		if err != nil {
			return "", err
		}
		dir = filepath.Join(base, "nsecbunker")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fail("finding the data folder %s: %w", dir, err)
	}
	return abs, nil
}

// xdg is a base folder of the XDG specification: its variable when it is an
// absolute path, else below the home folder.
func (a *app) xdg(name, below string) (string, error) {
	if dir := a.getenv(name); filepath.IsAbs(dir) {
		return dir, nil
	}
	home := a.getenv("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", fail("there is no home folder to keep data in").withHint("name a folder with --data, or set NSECBUNKER_DATA")
		}
	}
	return filepath.Join(home, below), nil
}
