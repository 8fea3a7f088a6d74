package signerrelay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"nsecbunker/nostr"
)

// Close codes (RFC 6455, section 7.4.1; 1013 is IANA's).
const (
	closeNormal    = websocket.StatusNormalClosure
	closeGoingAway = websocket.StatusGoingAway
	closeNotText   = websocket.StatusUnsupportedData
	closePolicy    = websocket.StatusPolicyViolation
	closeTooBig    = websocket.StatusMessageTooBig
	closeTryLater  = websocket.StatusTryAgainLater
)

// conn is one client's connection. Three goroutines serve it: the reader (the HTTP handler's), the writer and the
// pinger; each event being worked on has one of the relay's hands.
type conn struct {
	r      *Relay
	id     uint64
	src    *source
	addr   netip.Addr
	born   time.Time
	ws     *websocket.Conn
	cork   *cork
	ctx    context.Context // ends when the connection is cut
	cancel context.CancelFunc
	out    *queue
	slots  chan struct{} // one for each event being worked on
	events *rate.Limiter
	reqs   *rate.Limiter
	// renewals are REQs for what is heard already.
	renewals *rate.Limiter
	faults   *rate.Limiter
	pings    *rate.Limiter

	proven   atomic.Bool  // the bunker has answered its events
	lastRead atomic.Int64 // nanoseconds since born

	endOnce  sync.Once
	ending   chan struct{} // closed by end: write what is queued, then close
	endCode  websocket.StatusCode
	endWords string

	mu     sync.Mutex
	tcp    net.Conn                   // under the websocket
	authed map[nostr.PubKey]struct{}  // NIP-42
	speaks map[nostr.PubKey]struct{}  // authors of events that the bunker accepted
	asked  map[nostr.PubKey]time.Time // authors of events that no reply has come to here, and when the last one came

	values int // guarded by routes.mu: listed values of all its subscriptions

	// The reader's own.
	subs      map[string]*sub
	challenge string
	seq       uint64
}

func newConn(r *Relay, src *source, addr netip.Addr) *conn {
	c := &conn{
		r: r, src: src, addr: addr, born: time.Now(),
		out:      newQueue(&r.lim, &r.queued),
		slots:    make(chan struct{}, r.lim.MaxInFlight),
		events:   rate.NewLimiter(rate.Limit(r.lim.EventRate), r.lim.EventBurst),
		reqs:     rate.NewLimiter(rate.Limit(r.lim.ReqRate), r.lim.ReqBurst),
		renewals: rate.NewLimiter(RenewalRate, RenewalBurst),
		faults:   rate.NewLimiter(rate.Limit(float64(r.lim.MaxBadPerMinute)/60), r.lim.MaxBadPerMinute),
		pings:    rate.NewLimiter(ControlRate, ControlBurst),
		ending:   make(chan struct{}),
		authed:   make(map[nostr.PubKey]struct{}),
		speaks:   make(map[nostr.PubKey]struct{}),
		asked:    make(map[nostr.PubKey]time.Time),
		subs:     make(map[string]*sub),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// serve runs the connection to its end.
func (c *conn) serve(ws *websocket.Conn, k *cork) {
	tcp := k.Conn
	c.ws, c.cork = ws, k
	ws.SetReadLimit(-1) // read counts for itself, so that it can say why it refuses
	c.mu.Lock()
	c.tcp = tcp
	c.mu.Unlock()
	// Reads and writes have no context: watching one costs the library some memory for each message, and its closing
	// handshake reads what remains of a message without any. The end of the TCP connection ends them all.
	defer context.AfterFunc(c.ctx, func() { _ = tcp.Close() })()
	var wg sync.WaitGroup
	wg.Go(c.write)
	wg.Go(c.ping)
	c.read()
	c.cancel()
	wg.Wait()
	_ = ws.CloseNow() // an error says that it is closed already
	for _, s := range c.subs {
		c.r.routes.remove(s)
	}
	c.out.close()
}

// send queues a message. It never blocks; a client whose queue is full is cut off.
func (c *conn) send(m message) bool {
	ok, full := c.out.put(m)
	if full {
		c.stalled("its queue is full")
	}
	return ok
}

func (c *conn) stalled(why string) {
	if c.ctx.Err() == nil {
		c.r.count.stalled.Add(1)
		c.r.cfg.Log.Info("relay: a client that does not read was cut off", "conn", c.id, "why", why)
	}
	c.drop()
}

// drop cuts the connection, at once. What the kernel still holds for a client that does not read is thrown away: it
// would wait there for minutes.
func (c *conn) drop() {
	c.out.close()
	c.mu.Lock()
	tcp := c.tcp
	c.mu.Unlock()
	if secure, ok := tcp.(interface{ NetConn() net.Conn }); ok { // tls.Conn
		tcp = secure.NetConn()
	}
	if l, ok := tcp.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0) // fails only on a closed connection
	}
	c.cancel()
}

// control counts a ping or a pong, and says whether it is answered.
func (c *conn) control() bool {
	if c.pings.Allow() {
		return true
	}
	c.drop()
	return false
}

// end closes the connection politely: what is queued is written, then a close frame with code and reason (≤ 123 bytes),
// then the client has closeGrace to answer.
func (c *conn) end(code websocket.StatusCode, reason string) {
	c.endOnce.Do(func() {
		c.endCode, c.endWords = code, cut(reason, 123)
		close(c.ending)
		time.AfterFunc(closeGrace, c.cancel)
	})
}

// write sends what is queued until the connection ends.
func (c *conn) write() {
	// The timer and not a deadline ends a write that takes too long, because drop also throws away what the kernel holds.
	slow := time.AfterFunc(c.r.lim.WriteTimeout, func() { c.stalled("a write took too long") })
	slow.Stop()
	var buf []byte
	for {
		// Who has put a reply in the queue puts its OK there next.
		runtime.Gosched()
		var err error
		if buf, err = c.drain(buf, slow); err != nil {
			c.drop()
			return
		}
		select {
		case <-c.out.ready:
			continue
		default:
		}
		select {
		case <-c.out.ready:
		case <-c.ending:
			// What was queued before the end may be ready as well, and either is taken first.
			if _, err = c.drain(buf, slow); err != nil {
				c.drop()
				return
			}
			// The library's closing handshake needs a reader, which read goes on being until cancel.
			_ = c.ws.Close(c.endCode, c.endWords)
			c.cancel()
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// drain writes all that is queued, and gives buf back for the next time. Each write has WriteTimeout.
func (c *conn) drain(buf []byte, slow *time.Timer) ([]byte, error) {
	defer slow.Stop()
	c.cork.put()
	for {
		m, ok := c.out.next()
		slow.Reset(c.r.lim.WriteTimeout)
		if !ok {
			return buf, c.cork.pull()
		}
		buf = m.appendTo(buf[:0])
		err := c.ws.Write(context.Background(), websocket.MessageText, buf)
		c.out.done(m)
		if err != nil {
			return nil, err
		}
		if cap(buf) > SmallFrame {
			buf = nil
		}
	}
}

// ping finds out whether the client is still there. Messages count as life too: they may be before the pong in line
// while the relay lets the connection wait.
func (c *conn) ping() {
	ticker := time.NewTicker(c.r.lim.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		before := c.lastRead.Load()
		ctx, cancel := context.WithTimeout(c.ctx, c.r.lim.PongTimeout)
		err := c.ws.Ping(ctx)
		cancel()
		if err != nil && c.lastRead.Load() == before {
			c.drop()
			return
		}
	}
}

// idle says whether the connection neither listens nor waits nor has said anything for IdleTimeout.
func (c *conn) idle() bool {
	if time.Since(c.born)-time.Duration(c.lastRead.Load()) < c.r.lim.IdleTimeout || len(c.slots) > 0 {
		return false
	}
	c.r.routes.mu.RLock()
	defer c.r.routes.mu.RUnlock()
	return c.values == 0
}

// Why a message is not read to its end. The client is told, and the connection ends.
var (
	errNotText = errors.New("unsupported: messages are text")
	errTooBig  = errors.New("invalid: the message is longer than this relay takes")
	errBusy    = errors.New("rate-limited: the relay is busy; try again later")
)

// read takes messages in until the connection is lost or cut. While it ends politely, what comes is passed over: the
// closing handshake needs a reader.
func (c *conn) read() {
	slow := time.AfterFunc(c.r.lim.FrameTimeout, c.drop)
	slow.Stop()
	for {
		h := c.r.places.hold(c)
		msg, err := c.message(h, slow)
		if err == nil && msg != nil {
			c.lastRead.Store(int64(time.Since(c.born)))
			c.seq++
			h = c.handle(msg, h)
		}
		h.release()
		if err != nil {
			return
		}
	}
}

// firstRead is the size of a message's first buffer: most requests fit.
const firstRead = 2 << 10

// message reads one message; nil means that it was passed over. h is asked for its memory beyond SmallFrame. An error
// means that the connection is lost.
func (c *conn) message(h *hold, slow *time.Timer) ([]byte, error) {
	typ, rd, err := c.ws.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	// From its first byte a message has FrameTimeout, however many pieces it comes in.
	slow.Reset(c.r.lim.FrameTimeout)
	defer slow.Stop()
	if typ != websocket.MessageText {
		return nil, c.passOver(rd, closeNotText, errNotText)
	}
	buf := make([]byte, 0, firstRead)
	for {
		select {
		case <-c.ending:
			return nil, discard(rd)
		default:
		}
		n, err := rd.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > c.r.lim.MaxFrame {
			return nil, c.passOver(rd, closeTooBig, errTooBig)
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) < cap(buf) {
			continue
		}
		size := min(2*cap(buf), c.r.lim.MaxFrame+1)
		if size > SmallFrame && !h.grow(size) {
			c.r.count.rateLimited.Add(1)
			return nil, c.passOver(rd, closeTryLater, errBusy)
		}
		buf = append(make([]byte, 0, size), buf...)
	}
}

// passOver ends the connection because of a message that it does not read to the end.
func (c *conn) passOver(rd io.Reader, code websocket.StatusCode, why error) error {
	c.send(noticeMessage(why.Error()))
	c.end(code, why.Error())
	return discard(rd)
}

func discard(rd io.Reader) error {
	_, err := io.Copy(io.Discard, rd)
	return err
}
