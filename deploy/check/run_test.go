package check

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/freeport"
	"nsecbunker/internal/pgtest"
	"nsecbunker/internal/wallet/wallettest"
)

// patience bounds every wait; nothing is asserted of it.
const patience = 2 * time.Minute

// build makes the program.
func build(t *testing.T) string { return buildIn(t, "../..") }

// buildIn makes the program from the source in a folder.
func buildIn(t *testing.T, source string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "nsecbunker")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "./cmd/nsecbunker")
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return bin
}

// secrets are the files of the pages, in a folder.
func secrets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"nsecbunker-service-key": strings.Repeat("k", 32), "passphrase": "correct horse battery staple\n", "pgpass": "",
		"wallet": string(wallettest.Macaroon([2]string{"invoices", "read"}, [2]string{"invoices", "write"})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// instance is one running process, started as the manifests say.
type instance struct {
	cmd                   *exec.Cmd
	listen, metrics, data string
	ended                 chan error
}

// launch starts an instance with the manifests' arguments, environment and
// configuration; only addresses and the database are this machine's.
func launch(t *testing.T, bin, database, credentials string) *instance {
	t.Helper()
	o := read(t, manifests)
	return run(t, bin, database, credentials, o.container().Args, o.config.Data["config.toml"])
}

// run starts an instance with arguments and a configuration of deploy/.
func run(t *testing.T, bin, database, credentials string, given []string, text string) *instance {
	t.Helper()
	in := &instance{listen: freeport.Address(t), metrics: freeport.Address(t), ended: make(chan error, 1)}
	data := t.TempDir()
	in.data = data
	conf := strings.NewReplacer("0.0.0.0:9464", in.metrics, "wss://bunker.example.com", "ws://"+in.listen).Replace(text)
	if err := os.WriteFile(filepath.Join(data, "config.toml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string(nil), given...)
	for i, a := range args {
		switch {
		case strings.HasPrefix(a, "--listen="):
			args[i] = "--listen=" + in.listen
		case strings.HasPrefix(a, "--database="):
			args[i] = "--database=" + database
		}
	}
	in.cmd = exec.Command(bin, args...)
	in.cmd.Env = append(os.Environ(), "NSECBUNKER_DATA="+data, "CREDENTIALS_DIRECTORY="+credentials, "PGPASSFILE="+filepath.Join(credentials, "pgpass"))
	log, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	in.cmd.Stdout, in.cmd.Stderr = log, log
	if err := in.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		in.ended <- in.cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		_ = in.cmd.Process.Kill()
		<-done
		_ = log.Close()
		if b, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s\n%s", in.listen, b)
		}
	})
	return in
}

// status asks one path; 0: nobody answered.
func status(addr, path string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return 0, ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// until waits for an instance to answer a path with a text in it.
func (in *instance) until(t *testing.T, addr, path, want string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-in.ended:
			in.ended <- err
			t.Fatalf("it ended while %s was waited for: %v", path, err)
		default:
		}
		code, text := status(addr, path)
		if code == http.StatusOK && strings.Contains(text, want) {
			return
		}
		last = fmt.Sprint(code, " ", text)
	}
	t.Fatalf("%s did not say %q: %s", path, want, last)
}

// TestTwoInstancesRunAsTheManifestsSay starts what Kubernetes would start: two
// processes on one real PostgreSQL. One ends in order, the other goes on.
func TestTwoInstancesRunAsTheManifestsSay(t *testing.T) {
	server := pgtest.Own(t)
	bin, database, credentials := build(t), server.Database(t), secrets(t)
	a := launch(t, bin, database, credentials)
	a.until(t, a.metrics, "/metrics", `nsecbunker_tenants{state="unsealed"} 1`)
	b := launch(t, bin, database, credentials)
	b.until(t, b.metrics, "/metrics", `nsecbunker_tenants{state="unsealed"} 1`)
	for _, in := range []*instance{a, b} {
		in.until(t, in.listen, "/healthz", "ok")
		in.until(t, in.listen, "/readyz", "ok")
		in.until(t, in.metrics, "/metrics", `engine="postgres"`)
	}
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	grace := time.Duration(*read(t, manifests).pod().TerminationGracePeriodSeconds) * time.Second
	select {
	case err := <-a.ended:
		a.ended <- err
		if err != nil {
			t.Errorf("it did not end in order: %v", err)
		}
	case <-time.After(grace):
		t.Fatalf("it had not ended after %v, when Kubernetes kills it", grace)
	}
	b.until(t, b.listen, "/readyz", "ok")
	c := launch(t, bin, database, credentials) // the one in its place
	c.until(t, c.listen, "/readyz", "ok")
}

// TestTwoHostedInstancesRunAsTheFilesSay starts both instances of a hosted service at
// once, on a database in which there is nothing: one makes the schema, one sets the house
// up, and both open it.
func TestTwoHostedInstancesRunAsTheFilesSay(t *testing.T) {
	text, err := os.ReadFile("../shared/hosted.toml")
	if err != nil {
		t.Fatal(err)
	}
	bin := build(t)
	for name, file := range map[string]struct {
		args []string
		text string
	}{
		"compose":    {load(t, "../shared/compose.yaml ../shared/hosted.yaml").Services["a"].Command, string(text)},
		"kubernetes": {read(t, hosting).container().Args, read(t, hosting).config.Data["config.toml"]},
	} {
		t.Run(name, func(t *testing.T) {
			var args []string
			for _, a := range file.args {
				if !strings.HasPrefix(a, "--admin=") { // an example's npub is none
					args = append(args, a)
				}
			}
			if name == "compose" { // the limit of locked memory here is what it is
				args = append(args, "--allow-swap")
			}
			server, credentials := pgtest.Own(t), secrets(t)
			database := server.Database(t)
			both := []*instance{run(t, bin, database, credentials, args, file.text), run(t, bin, database, credentials, args, file.text)}
			for _, in := range both {
				in.until(t, in.metrics, "/metrics", `nsecbunker_tenants{state="unsealed"} 1`)
				in.until(t, in.listen, "/readyz", "ok")
			}
		})
	}
}
