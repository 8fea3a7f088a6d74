package simnet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nsecbunker/nostr/nip19/bech32"
)

// binaries is the folder of btcd and lnd; run builds them and says where.
func binaries(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SIMNET_BIN")
	if dir == "" {
		t.Fatal("SIMNET_BIN names no folder with btcd and lnd; run: make simnet")
	}
	return dir
}

// patience bounds every wait; nothing is asserted of it.
const patience = 3 * time.Minute

// await tries until it works.
func await(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// process is a node that runs until the test ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

func start(t *testing.T, log, name string, args ...string) *process {
	t.Helper()
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(filepath.Join(binaries(t), name), args...), done: make(chan struct{}), log: log}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		_ = f.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.end(syscall.SIGTERM)
		if t.Failed() {
			tail(t, log)
		}
	})
	return p
}

// end signals the process and waits; what does not listen is killed.
func (p *process) end(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func tail(t *testing.T, log string) {
	b, err := os.ReadFile(log)
	if err != nil {
		return
	}
	t.Logf("the end of %s:\n%s", filepath.Base(log), b[max(0, len(b)-4000):])
}

// free returns an address on loopback that nobody listens on now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// api is one node's HTTPS with its own certificate.
type api struct {
	url    string
	client *http.Client
	header http.Header
}

func newAPI(t *testing.T, address, certFile string, header http.Header) *api {
	t.Helper()
	var cert []byte
	await(t, "waiting for "+filepath.Base(certFile), func() (err error) { cert, err = os.ReadFile(certFile); return err })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return &api{"https://" + address, &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}, header}
}

// call makes a request and reads the answer into out, which may be nil.
func (a *api) call(method, path string, body, out any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, a.url+path, r)
	if err != nil {
		return err
	}
	for k, v := range a.header {
		req.Header[k] = v
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	// Of a stream, the last message counts.
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return json.Unmarshal(lines[len(lines)-1], out)
}

// chain is a btcd on simnet.
type chain struct {
	dir, rpc string
	proc     *process
	api      *api
}

// newChain starts btcd and mines one block to nobody: before a block of today, lnd
// takes the chain for one that is not there yet.
func newChain(t *testing.T) *chain {
	c := &chain{dir: t.TempDir(), rpc: free(t)}
	nobody, err := bech32.EncodeGroups("sb", make([]byte, 33)) // witness version 0, 20 zero bytes
	if err != nil {
		t.Fatal(err)
	}
	c.start(t, string(nobody))
	c.mine(t, 1)
	return c
}

// start runs btcd, which mines to an address.
func (c *chain) start(t *testing.T, address string) {
	t.Helper()
	conf := fmt.Sprintf("[Application Options]\nsimnet=1\nnolisten=1\ntxindex=1\nrpcuser=u\nrpcpass=p\nrpclisten=%s\ndatadir=%s\nlogdir=%s\nrpccert=%s\nrpckey=%s\n",
		c.rpc, c.dir, filepath.Join(c.dir, "logs"), filepath.Join(c.dir, "rpc.cert"), filepath.Join(c.dir, "rpc.key"))
	conf += "miningaddr=" + address + "\n"
	c.proc = start(t, filepath.Join(c.dir, "out.log"), "btcd", "-C", write(t, filepath.Join(c.dir, "btcd.conf"), conf))
	c.api = newAPI(t, c.rpc, filepath.Join(c.dir, "rpc.cert"), http.Header{"Authorization": {"Basic dTpw"}})
	await(t, "waiting for btcd", func() error { return c.call("getblockcount", nil) })
}

func (c *chain) call(method string, out any, params ...any) error {
	if params == nil {
		params = []any{}
	}
	var a struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	if err := c.api.call(http.MethodPost, "/", map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params}, &a); err != nil {
		return err
	}
	if a.Error != nil {
		return fmt.Errorf("%s: %s", method, a.Error.Message)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.Result, out)
}

func (c *chain) mine(t *testing.T, blocks int) {
	t.Helper()
	if err := c.call("generate", nil, blocks); err != nil {
		t.Fatal(err)
	}
}

// node is an lnd.
type node struct {
	dir, peer, rest string
	args            []string
	proc            *process
	api             *api
	key             string
}

func newNode(t *testing.T, c *chain, name string) *node {
	t.Helper()
	n := &node{dir: filepath.Join(t.TempDir(), name), peer: free(t), rest: free(t)}
	if err := os.Mkdir(n.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("[Application Options]\nlisten=%s\nrestlisten=%s\nrpclisten=%s\nnobootstrap=1\nnoseedbackup=1\nalias=%s\n[Bitcoin]\nbitcoin.simnet=1\nbitcoin.node=btcd\n"+
		"[Btcd]\nbtcd.rpchost=%s\nbtcd.rpcuser=u\nbtcd.rpcpass=p\nbtcd.rpccert=%s\n", n.peer, n.rest, free(t), name, c.rpc, filepath.Join(c.dir, "rpc.cert"))
	n.args = []string{"--lnddir=" + n.dir, "--configfile=" + write(t, filepath.Join(n.dir, "lnd.conf"), conf)}
	n.start(t)
	return n
}

func (n *node) start(t *testing.T) {
	t.Helper()
	n.proc = start(t, filepath.Join(n.dir, "out.log"), "lnd", n.args...)
	var macaroon []byte
	await(t, "waiting for lnd's macaroon", func() (err error) { macaroon, err = os.ReadFile(n.macaroon("admin")); return err })
	n.api = newAPI(t, n.rest, n.cert(), http.Header{"Grpc-Metadata-Macaroon": {hex.EncodeToString(macaroon)}})
	n.synced(t)
}

func (n *node) synced(t *testing.T) {
	t.Helper()
	await(t, "waiting until lnd follows the chain", func() error {
		var i struct {
			Pubkey string `json:"identity_pubkey"`
			Synced bool   `json:"synced_to_chain"`
		}
		if err := n.api.call(http.MethodGet, "/v1/getinfo", nil, &i); err != nil {
			return err
		}
		if n.key = i.Pubkey; !i.Synced {
			return fmt.Errorf("not synced yet")
		}
		return nil
	})
}

func (n *node) cert() string { return filepath.Join(n.dir, "tls.cert") }

func (n *node) macaroon(name string) string {
	return filepath.Join(n.dir, "data", "chain", "bitcoin", "simnet", name+".macaroon")
}

func (n *node) read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens a channel from n to other and waits until both can use it.
func (n *node) open(t *testing.T, c *chain, other *node, sat int) {
	t.Helper()
	if err := n.api.call(http.MethodPost, "/v1/peers", map[string]any{"addr": map[string]string{"pubkey": other.key, "host": other.peer}, "perm": true}, nil); err != nil && !strings.Contains(err.Error(), "already connected") {
		t.Fatal(err)
	}
	await(t, "opening a channel", func() error {
		return n.api.call(http.MethodPost, "/v1/channels", map[string]any{"node_pubkey_string": other.key, "local_funding_amount": fmt.Sprint(sat), "sat_per_vbyte": "2"}, nil)
	})
	await(t, "waiting for the funding transaction", func() error {
		var pool []string
		if err := c.call("getrawmempool", &pool); err != nil || len(pool) > 0 {
			return err
		}
		return fmt.Errorf("it is not among those that wait")
	})
	c.mine(t, 6)
	for _, end := range []*node{n, other} {
		await(t, "waiting for the channel", func() error {
			var l struct{ Channels []struct{ Active bool } }
			if err := end.api.call(http.MethodGet, "/v1/channels", nil, &l); err != nil {
				return err
			}
			if len(l.Channels) == 0 || !l.Channels[0].Active {
				return fmt.Errorf("not active yet")
			}
			return nil
		})
	}
	// A channel is listed as active a moment before payments find it.
	await(t, "waiting for a way to pay", func() error {
		return n.api.call(http.MethodGet, "/v1/graph/routes/"+other.key+"/1000", nil, nil)
	})
}

// pay pays an invoice and returns the preimage, in hex.
func (n *node) pay(bolt11 string) (string, error) {
	var a struct {
		Result struct {
			Status   string `json:"status"`
			Preimage string `json:"payment_preimage"`
			Failure  string `json:"failure_reason"`
		} `json:"result"`
		Error *struct{ Message string } `json:"error"`
	}
	err := n.api.call(http.MethodPost, "/v2/router/send", map[string]any{"payment_request": bolt11, "timeout_seconds": 30, "fee_limit_sat": "100", "no_inflight_updates": true}, &a)
	switch {
	case err != nil:
		return "", err
	case a.Error != nil:
		return "", fmt.Errorf("%s", a.Error.Message)
	case a.Result.Status != "SUCCEEDED":
		return "", fmt.Errorf("%s: %s", a.Result.Status, a.Result.Failure)
	}
	return a.Result.Preimage, nil
}
