package bunker

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports that no system gives to whoever asks for any, and below those of internal/freeport: between a look at one and its use, and while
// its owner restarts, nobody else gets it.
const firstPort, lastPort = 10_000, 12_000

var ports struct {
	sync.Mutex
	given map[int]bool
}

// FreeAddr is a loopback address with a port that nobody uses, and that is given once.
func FreeAddr(t testing.TB) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = map[int]bool{}
	}
	for range lastPort - firstPort {
		port := firstPort + rand.IntN(lastPort-firstPort)
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if ports.given[port] {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			ports.given[port] = true
			return addr
		}
	}
	t.Fatalf("no port from %d to %d is free", firstPort, lastPort)
	return ""
}
