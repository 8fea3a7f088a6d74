package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// line is one connection to the relay.
type line struct {
	ws   *websocket.Conn
	end  context.CancelFunc
	done sync.WaitGroup
}

// dialLine connects, listens for the apps and calls reply with each event that
// comes.
func dialLine(ctx context.Context, url string, apps []*app, reply func(raw []byte)) (*line, error) {
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(1 << 20)
	l := &line{ws: ws}
	ctx, l.end = context.WithCancel(ctx)
	if len(apps) > 0 {
		var p []string
		for _, a := range apps {
			p = append(p, `"`+a.pub+`"`)
		}
		if err := ws.Write(ctx, websocket.MessageText, []byte(`["REQ","b",{"kinds":[24133],"#p":[`+strings.Join(p, ",")+`]}]`)); err != nil {
			return nil, err
		}
		if _, got, err := ws.Read(ctx); err != nil || !bytes.HasPrefix(got, []byte(`["EOSE"`)) {
			return nil, fmt.Errorf("the relay does not take the subscription: %s (%v)", got, err)
		}
	}
	l.done.Go(func() {
		for {
			_, raw, err := ws.Read(ctx)
			if err != nil {
				return
			}
			if bytes.HasPrefix(raw, []byte(`["EVENT"`)) {
				reply(raw)
			} else if !bytes.HasPrefix(raw, []byte(`["OK"`)) || bytes.Contains(raw, []byte(`,false,`)) {
				fmt.Printf("the relay says %s\n", raw)
			}
		}
	})
	return l, nil
}

func (l *line) send(ctx context.Context, frame []byte) error {
	return l.ws.Write(ctx, websocket.MessageText, frame)
}

func (l *line) close() {
	l.end()
	_ = l.ws.CloseNow() // closed already
	l.done.Wait()
}
