package store

import (
	"context"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// cpu is the processor time of this process in ns: on a busy machine it says
// more than the clock does.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkView(b *testing.B) {
	f := newFixture(b)
	c := f.addConnection(f.addKey("herald"))
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		if _, err := f.View(context.Background(), c.Signer, c.Client); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkCommit commits groups of 64; the figure is for one request.
func BenchmarkCommit(b *testing.B) {
	f := newFixture(b)
	f.stop()
	s, err := Open(context.Background(), f.cfg) // without Run: groups are made by hand
	if err != nil {
		b.Fatal(err)
	}
	f.Store, f.stop = s, func() { s.Close() }
	c := f.addConnection(f.addKey("herald"))
	v := f.view(c)
	b.ReportAllocs()
	var used int64
	for b.Loop() {
		b.StopTimer()
		f.clock.add(20 * time.Millisecond) // some 3,000 requests a second
		ws := make([]*waiting, 64)
		for i := range ws {
			ws[i] = &waiting{ctx: context.Background(), e: entryOf(v, f.clock.Now()), done: make(chan bunker.Result, 1)}
		}
		b.StartTimer()
		before := cpu(b)
		f.commitGroup(ws, false)
		used += cpu(b) - before
		b.StopTimer()
		for _, w := range ws {
			if r := <-w.done; r.Outcome != bunker.Committed {
				b.Fatalf("%+v", r)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(used)/float64(b.N)/64, "cpu-ns/request")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/request")
}
