package daemon

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// plainConns bounds the connections to an HTTP server that are no websockets. Of too many, the
// oldest is cut: whoever comes with a request has his answer in a moment, and those that were
// opened to hold places grow old.
type plainConns struct {
	most int

	mu    sync.Mutex
	byAge *list.List // of net.Conn, the oldest first
	at    map[net.Conn]*list.Element
}

func newPlainConns(most int) *plainConns {
	return &plainConns{most: most, byAge: list.New(), at: map[net.Conn]*list.Element{}}
}

// state is for [http.Server.ConnState].
func (p *plainConns) state(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		if old := p.add(c); old != nil {
			cut(old)
		}
	case http.StateHijacked, http.StateClosed:
		p.remove(c)
	}
}

// add returns the connection that has to make room; nil for none.
func (p *plainConns) add(c net.Conn) (old net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byAge.Len() >= p.most {
		old = p.byAge.Remove(p.byAge.Front()).(net.Conn)
		delete(p.at, old)
	}
	p.at[c] = p.byAge.PushBack(c)
	return old
}

func (p *plainConns) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.at[c]; e != nil {
		p.byAge.Remove(e)
		delete(p.at, c)
	}
}

// cut ends a connection without a word: of TLS the last one could wait for a reader.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close() // whoever serves it ends by that
}
