// Command nsecbunker keeps Nostr keys and signs for apps (NIP-46).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the image has no files but the binary

	_ "golang.org/x/crypto/x509roots/fallback" // nor certificates

	"nsecbunker/internal/cli"
	"nsecbunker/internal/seal"
)

var version = "unknown" // stamped by scripts/build

func main() {
	debug.SetTraceback("none") // a crash's dump could hold a secret (security.md section 1)
	if len(os.Args) == 2 && os.Args[1] == cli.KDFCommand {
		if err := seal.RunKDFChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Config{
		Args: os.Args[1:], Streams: cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Version: version, Getenv: os.Getenv,
	})
	stop()
	os.Exit(code)
}
