package signerrelay

import (
	"net"
	"sync"
)

// corkedBytes is how much waits in a cork at most: two usual replies and their OKs.
const corkedBytes = 8 << 10

// cork gathers what is written while it is in, so that the frames which wait for
// one client, a reply and the OK of its request mostly, go out in one system call.
type cork struct {
	net.Conn

	mu  sync.Mutex
	in  bool
	buf []byte
}

// Write implements [net.Conn].
func (k *cork) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.in && len(k.buf)+len(b) <= corkedBytes {
		k.buf = append(k.buf, b...)
		return len(b), nil
	}
	if err := k.flush(); err != nil {
		return 0, err
	}
	return k.Conn.Write(b)
}

// put puts the cork in.
func (k *cork) put() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.in = true
}

// pull takes it out, and writes what has gathered.
func (k *cork) pull() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.in = false
	return k.flush()
}

func (k *cork) flush() error {
	if len(k.buf) == 0 {
		return nil
	}
	_, err := k.Conn.Write(k.buf)
	k.buf = k.buf[:0]
	if cap(k.buf) > SmallFrame {
		k.buf = nil
	}
	return err
}
