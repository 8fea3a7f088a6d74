package notify

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// slowOutbox is an outbox of one notice whose reader sees the rows a while after they were
// read: until then returns.
type slowOutbox struct {
	mu    sync.Mutex
	row   bunker.Notice
	state bunker.NoticeState
	until func()
	try   chan struct{} // a try is noted when it is closed
}

func (o *slowOutbox) WaitingNotices(context.Context) (list []bunker.Notice, err error) {
	o.mu.Lock()
	if o.state == bunker.NoticeWaiting {
		list = []bunker.Notice{o.row}
	}
	o.mu.Unlock()
	o.until()
	return list, nil
}

func (o *slowOutbox) TryNotices(_ context.Context, batch bunker.NoticeID, _ []bunker.NoticeID, again int64) error {
	<-o.try
	o.mu.Lock()
	defer o.mu.Unlock()
	o.row.Batch, o.row.NextTry = batch, again
	o.row.Tries++
	return nil
}

func (o *slowOutbox) EndNotices(_ context.Context, _ []bunker.NoticeID, state bunker.NoticeState, _ string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state = state
	return nil
}

func (o *slowOutbox) SentTo(context.Context, string, int64) (n int, last int64, err error) {
	return 0, 0, nil
}
func (o *slowOutbox) AddNotices(context.Context, int64, []bunker.Notice) error { return nil }
func (o *slowOutbox) PruneNotices(context.Context) error                       { return nil }

// open is a bunker with nothing to say.
type open struct{}

func (open) Channels(context.Context) ([]bunker.Channel, error) { return nil, nil }
func (open) Question(context.Context, bunker.ApprovalID) (*bunker.Approval, error) {
	return nil, bunker.Errorf(bunker.CodeNotFound, "none")
}
func (open) Names(context.Context, bunker.ConnectionID, bunker.KeyID) (app, name string) {
	return "", ""
}
func (open) Secret(*bunker.Channel) ([]byte, error)         { return nil, nil }
func (open) Sealed() bool                                   { return false }
func (open) Conditions(ctx context.Context) (c []Condition) { return nil }

// TestWhatIsReadWhileAMessageIsUnderWayIsNotSentAgain: neither what was sent meanwhile nor
// what was given up, however late the reader sees the rows that he read before.
func TestWhatIsReadWhileAMessageIsUnderWayIsNotSentAgain(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusGone} {
		var mu sync.Mutex
		asked := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			asked++
			mu.Unlock()
			w.WriteHeader(status)
		}))
		t.Cleanup(srv.Close)
		box := &slowOutbox{row: bunker.Notice{ID: "n1", Channel: "ops", Kind: bunker.NoticeAnswered}, state: bunker.NoticeWaiting, until: func() {}, try: make(chan struct{})}
		n, err := New(Config{
			Wake: func() {}, Log: noLog{}, Outbox: box, Around: open{}, HTTP: srv.Client(), Dial: dialer, Now: func() time.Time { return at },
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ops := []bunker.Channel{{Name: "ops", Kind: bunker.ChannelWebhook, Settings: bunker.ChannelSettings{Target: srv.URL}}}
		if _, err := n.dispatch(t.Context(), ops); err != nil {
			t.Fatal(err)
		}
		box.until = func() { // the message is tried and ends between the reading and what follows
			close(box.try)
			n.Wait()
		}
		if _, err := n.dispatch(t.Context(), ops); err != nil {
			t.Fatal(err)
		}
		n.Wait()
		if asked != 1 {
			t.Errorf("answered %d, it was sent %d times", status, asked)
		}
		box.until = func() {}
		if waits, err := n.dispatch(t.Context(), ops); waits || err != nil {
			t.Error(waits, err)
		}
	}
}

type noLog struct{}

func (noLog) Happened(context.Context, int64, int) ([]bunker.AuditRecord, int64, error) {
	return nil, 0, nil
}
func (noLog) Head(context.Context) (int64, error)              { return 0, nil }
func (noLog) NoticesSeen(context.Context) (int64, bool, error) { return 0, false, nil }
