package cli

import (
	"fmt"
	"runtime"

	"nsecbunker/nostr"
)

// printVersion names the program and what signs.
func (a *app) printVersion() error {
	v := a.version
	if v == "" {
		v = "unknown"
	}
	if a.asJSON {
		return a.json(map[string]string{
			"version": v, "secp256k1": nostr.Backend(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	_, err := fmt.Fprintf(a.Out, "nsecbunker %s\nsecp256k1: %s\n%s %s/%s\n", v, nostr.Backend(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
