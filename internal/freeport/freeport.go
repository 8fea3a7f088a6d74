// Package freeport gives tests addresses of this machine to listen on.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// The ports are outside the range that the system takes some from by itself, in blocks.
const (
	first  = 12_000
	blocks = 90
	block  = 200 // ports; the first one says whose block it is
)

// mine is the block that this process takes ports from.
var mine struct {
	sync.Mutex
	next, end int
	held      []net.Listener // the first ports of all its blocks, until it ends
}

// Address returns an address that nobody listens on. It gives none twice, and no other process of
// tests gives it: one that is not listened on yet, or between two runs of a bunker, is somebody's
// all the same.
func Address(t testing.TB) string {
	t.Helper()
	mine.Lock()
	defer mine.Unlock()
	for {
		if mine.next == mine.end {
			if err := claim(); err != nil {
				t.Fatal(err)
			}
		}
		at := loopback(mine.next)
		mine.next++
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue // another program's
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return at
	}
}

// claim takes a block that no process has.
func claim() error {
	for _, n := range rand.Perm(blocks) {
		l, err := net.Listen("tcp", loopback(first+n*block))
		if err != nil {
			continue
		}
		mine.held = append(mine.held, l)
		mine.next, mine.end = first+n*block+1, first+(n+1)*block
		return nil
	}
	return fmt.Errorf("no block of ports from %d on is free: something else listens on the first of each", first)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
