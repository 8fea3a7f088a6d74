package host

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"nsecbunker/internal/bunker"
)

func TestWhoHasOneThingWaitingDoesNotWaitForAThousand(t *testing.T) {
	var q Turns[string]
	for i := range 1000 {
		q.Add("a", fmt.Sprint("a", i))
	}
	q.Add("b", "b0")
	q.Add("c", "c0")
	q.Add("c", "c1")
	var got []string
	for range 6 {
		v, ok := q.Next()
		if !ok {
			t.Fatal("nothing waits")
		}
		got = append(got, v)
	}
	if want := "[a0 b0 c0 a1 c1 a2]"; fmt.Sprint(got) != want {
		t.Errorf("%v, not %v", got, want)
	}
	v, ok := q.NextOf(func(t bunker.TenantID) bool { return t != "a" })
	if ok {
		t.Errorf("%s has a turn that it may not have", v)
	}
	q.Add("d", "d0")
	if v, ok := q.NextOf(func(t bunker.TenantID) bool { return t != "a" }); !ok || v != "d0" {
		t.Errorf("%s, %t", v, ok)
	}
	if v, _ := q.Next(); v != "a3" {
		t.Errorf("who was passed over has lost its turn to %s", v)
	}
	if q.Len() != 996 {
		t.Errorf("%d wait", q.Len())
	}
}

// Whatever comes in whatever order: each line keeps its own, nothing is lost, and
// between two turns of a tenant each other that waits has one.
func TestTurnsAreFairAndLoseNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q Turns[int]
	lines := map[bunker.TenantID][]int{}
	waited := map[bunker.TenantID]int{} // turns of others since it began to wait
	n := 0
	for step := range 200_000 {
		if r.IntN(2) == 0 || step < 2000 {
			t := bunker.TenantID(fmt.Sprint(r.IntN(1 + r.IntN(40))))
			id := step*64 + len(t)
			q.Add(t, id)
			lines[t] = append(lines[t], id)
			n++
			continue
		}
		v, ok := q.Next()
		if ok != (n > 0) || q.Len() != max(0, n-1) {
			t.Fatalf("step %d: %t with %d waiting, %d left", step, ok, n, q.Len())
		}
		if !ok {
			continue
		}
		n--
		var from bunker.TenantID
		for t, l := range lines {
			if len(l) > 0 && l[0] == v {
				from = t
			}
		}
		if from == "" {
			t.Fatalf("step %d: %d is at the head of no line", step, v)
		}
		if lines[from] = lines[from][1:]; len(lines[from]) == 0 {
			delete(lines, from)
		}
		delete(waited, from)
		for other := range lines {
			if other != from {
				waited[other]++
				if waited[other] > 40 {
					t.Fatalf("step %d: %s waits for more turns than there are others", step, other)
				}
			}
		}
	}
	if len(q.ring) > 4*(n+64) {
		t.Errorf("%d places in the ring for %d that wait", len(q.ring), n)
	}
}

func BenchmarkTurns(b *testing.B) {
	var q Turns[*int]
	v := new(int)
	for i := range 100 {
		q.Add("a", v)
		_ = i
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Add("a", v)
		q.Next()
	}
}
