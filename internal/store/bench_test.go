package store

import (
	"context"
	"testing"

	"nsecbunker/internal/bunker"
)

func BenchmarkView(b *testing.B) {
	f := newFixture(b)
	c := f.addConnection(f.addKey("herald"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.View(context.Background(), c.Signer, c.Client); err != nil {
			b.Fatal(err)
		}
	}
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
	for b.Loop() {
		b.StopTimer()
		ws := make([]*waiting, 64)
		for i := range ws {
			ws[i] = &waiting{ctx: context.Background(), e: entryOf(v, f.clock.Now()), done: make(chan bunker.Result, 1)}
		}
		b.StartTimer()
		f.commitGroup(ws)
		b.StopTimer()
		for _, w := range ws {
			if r := <-w.done; r.Outcome != bunker.Committed {
				b.Fatalf("%+v", r)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/request")
}
