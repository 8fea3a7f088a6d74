// later is nsecbunker on a clock that is ahead, for the browser tests: what ends after a
// minute is over when it starts. It is built by e2e/run alone; nobody else has it.
// E2E_AHEAD says by how much: "45s".
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"nsecbunker/internal/cli"
	"nsecbunker/internal/seal"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == cli.KDFCommand {
		if err := seal.RunKDFChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ahead, err := time.ParseDuration(os.Getenv("E2E_AHEAD"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "E2E_AHEAD is no duration:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Config{
		Args: os.Args[1:], Streams: cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Version: "later", Getenv: os.Getenv,
		Now: func() time.Time { return time.Now().Add(ahead) },
	})
	stop()
	os.Exit(code)
}
