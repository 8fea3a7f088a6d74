package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"

	"nsecbunker/internal/cli"
)

// start is the real command line, `bench start -cpu FILE -heap FILE -- ARGS`,
// with the profiler beside it: SIGUSR1 starts and ends a profile of the CPU,
// SIGUSR2 writes one of the heap. The bunker itself has no profiler.
func start(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("start", flag.ContinueOnError)
	cpu := f.String("cpu", "cpu.pprof", "where the profile of the CPU goes")
	heap := f.String("heap", "heap.pprof", "where that of the heap goes")
	now := f.Bool("now", false, "profile the CPU from the start on")
	if err := f.Parse(args); err != nil {
		return err
	}
	asked := make(chan os.Signal, 4)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2)
	if *now {
		asked <- syscall.SIGUSR1
	}
	go profile(asked, *cpu, *heap)
	code := cli.Main(ctx, cli.Config{
		Args: append([]string{"start"}, f.Args()...), Streams: cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr},
		Version: "bench", Getenv: os.Getenv,
	})
	if code != 0 {
		return fmt.Errorf("the bunker ended with status %d", code)
	}
	return nil
}

func profile(asked <-chan os.Signal, cpu, heap string) {
	running := false
	tell := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	for s := range asked {
		if s == syscall.SIGUSR2 {
			runtime.GC()
			w, err := os.Create(heap)
			if err == nil {
				err = pprof.Lookup("allocs").WriteTo(w, 0)
			}
			tell(err)
			tell(w.Close())
			continue
		}
		if running {
			pprof.StopCPUProfile()
			running = false
			continue
		}
		w, err := os.Create(cpu)
		if err == nil {
			err = pprof.StartCPUProfile(w)
		}
		tell(err)
		running = err == nil
	}
}
