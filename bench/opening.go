package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// openTimeout is how long all tenants may take to be opened.
	openTimeout = 10 * time.Minute
	// openLook is how often it is looked how far that is.
	openLook = 50 * time.Millisecond
	// openSay is how often that is told.
	openSay = 5 * time.Second
	// sampleEvery: an app of every so many tenants signs once when all are open.
	sampleEvery = 100
	// sampled is how many requests those send: each of them one, where there are so many.
	sampled = 100
	// sampleFile is what the load needs to know to be those.
	sampleFile = "bench-sample.json"
)

// open waits until a hosted instance has opened every tenant, and returns how long that took
// from the start of the process, and what it has used of the processors until then.
func (b *bunkerProcess) open(ctx context.Context, begun time.Time, metrics string, tenants int) (wall, cpu time.Duration, err error) {
	client := &http.Client{Timeout: openTimeout}
	defer client.CloseIdleConnections()
	for said := time.Now(); ; time.Sleep(openLook) {
		states, err := tenantStates(ctx, client, metrics)
		if err != nil {
			return 0, 0, err
		}
		wall = time.Since(begun)
		if states["opening"] == 0 && states["unsealed"] > tenants {
			cpu, err = b.cpu()
			return wall, cpu, err
		}
		if time.Since(said) > openSay {
			said = time.Now()
			fmt.Fprintf(os.Stderr, "after %.0f s %d tenants are open, %d wait\n", wall.Seconds(), states["unsealed"], states["opening"])
		}
		if wall > openTimeout {
			return 0, 0, fmt.Errorf("%d of %d tenants are open after %s", states["unsealed"], tenants, wall)
		}
	}
}

// tenantStates is the metric nsecbunker_tenants, by its label.
func tenantStates(ctx context.Context, client *http.Client, metrics string) (map[string]int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	states := map[string]int{}
	for in := bufio.NewScanner(res.Body); in.Scan(); {
		rest, is := strings.CutPrefix(in.Text(), `nsecbunker_tenants{state="`)
		state, n, both := strings.Cut(rest, `"} `)
		if !is || !both {
			continue
		}
		v, err := strconv.ParseFloat(n, 64)
		if err != nil {
			return nil, err
		}
		states[state] = int(v)
	}
	if len(states) == 0 {
		return nil, errors.New("the bunker's metrics say nothing of tenants")
	}
	return states, nil
}

// answering has an app of every hundredth tenant sign: the replies are checked.
func answering(ctx context.Context, dir, at string) error {
	l, err := startLoad(ctx, dir, at, "-clients", sampleFile)
	if err != nil {
		return err
	}
	_, err = l.do(fmt.Sprintf("prepare sign_event %d", sampled), "flight 8")
	return errors.Join(err, l.stop())
}
