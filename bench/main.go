// Command bench measures the bunker as its users meet it: the real binary over
// real sockets, everything durable, the relay and the clients in processes of
// their own. README.md says what is measured and how; run builds and runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// commands are the parts; those below run are started by run in processes of
// their own.
var commands = map[string]func(ctx context.Context, args []string) error{
	"run":       run,
	"check":     check,
	"show":      show,
	"rights":    rights,
	"seed":      seed,
	"floor":     floor,
	"load":      load,
	"relay":     relay,
	"start":     start,
	"instances": instances,
	"tenants":   tenants,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("usage: bench run|tenants|check|show|rights|seed|floor|load|relay|start|instances; see bench/README.md")
	}
	return commands[args[0]](ctx, args[1:])
}
