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
	"nsecbunker/internal/secret"
)

var version = "unknown" // stamped by scripts/build

func main() {
	debug.SetTraceback("none") // a crash's dump could hold a secret (security.md section 1)
	if err := secret.NoDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "warning: this process cannot be kept out of core dumps:", err)
	}
	if len(os.Args) == 2 && os.Args[1] == cli.KDFCommand {
		if err := seal.RunKDFChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	code := cli.Main(ctx, cli.Config{
		Args: os.Args[1:], Streams: cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Version: version, Getenv: os.Getenv,
	})
	stop()
	os.Exit(code)
}
