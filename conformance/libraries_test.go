package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/driver"
)

// library is a client library, and one way to use it.
type library struct {
	name    string
	version string // of package.json or go.mod; a test compares
	pkg     string // its name there
	driver  string // a file in js/drivers, or a command in drivers/
	// envelope is what it uses by itself; with choose it is told to.
	envelope string
	choose   bool
	// legacy: it takes the signer key for the user key, so it logs in with the user key's own npub (interop.md, 14).
	legacy bool
}

func libraries() []library {
	return []library{
		{name: "nostr-tools", version: "2.25.2", pkg: "nostr-tools", driver: "nostr-tools.mjs", envelope: "nip44"},
		{name: "nostr-tools", version: "2.12.0", pkg: "nostr-tools-2.12", driver: "nostr-tools-2.12.mjs", envelope: "nip44"},
		{name: "nostr-tools", version: "2.7.2", pkg: "nostr-tools-2.7", driver: "nostr-tools-2.7.mjs", envelope: "nip04", legacy: true},
		{name: "NDK", version: "3.0.3", pkg: "@nostr-dev-kit/ndk", driver: "ndk.mjs", envelope: "nip44"},
		{name: "NDK", version: "2.18.1", pkg: "ndk-2.18", driver: "ndk-2.18.mjs", envelope: "nip04"},
		{name: "NDK", version: "2.10.7", pkg: "ndk-2.10", driver: "ndk-2.10.mjs", envelope: "nip04"},
		{name: "applesauce-signers", version: "6.2.2", pkg: "applesauce-signers", driver: "applesauce.mjs", envelope: "nip44"},
		{name: "@welshman/signer", version: "0.8.7", pkg: "@welshman/signer", driver: "welshman.mjs", envelope: "nip44"},
		{name: "nostrify", version: "0.54.1", pkg: "@nostrify/nostrify", driver: "nostrify.mjs", envelope: "nip44", choose: true},
		{name: "nostrify", version: "0.54.1", pkg: "@nostrify/nostrify", driver: "nostrify.mjs", envelope: "nip04", choose: true},
		{name: "@snort/system", version: "2.1.9", pkg: "@snort/system", driver: "snort.mjs", envelope: "nip44"},
		{name: "rust-nostr (wasm)", version: "0.43.0", pkg: "@rust-nostr/nostr-sdk", driver: "rust-nostr.mjs", envelope: "nip44"},
		{name: "go-nostr", version: "v0.52.3", pkg: "github.com/nbd-wtf/go-nostr", driver: "gonostr", envelope: "nip44"},
		{name: "fiatjaf.com/nostr", version: "v0.0.0-20260611214214-c4534c716026", pkg: "fiatjaf.com/nostr", driver: "fiatjaf", envelope: "nip44"},
	}
}

// id names a library in tests and in capabilities.json.
func (l library) id() string { return l.name + "@" + l.version }

func (l library) title() string { return l.id() + " " + l.envelope }

var buildDrivers = sync.OnceValues(func() (string, error) {
	dir, err := bunker.Scratch()
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+"/", "./drivers/gonostr", "./drivers/fiatjaf").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out), err}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	bunker.Sweep()
	os.Exit(code)
}

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string {
	return "building the Go drivers: " + e.err.Error() + "\n" + e.out
}

func (l library) start(t testing.TB) *driver.Driver {
	t.Helper()
	if filepath.Ext(l.driver) == ".mjs" {
		return driver.Start(t, "js", "node", "drivers/"+l.driver)
	}
	dir, err := buildDrivers()
	if err != nil {
		t.Fatal(err)
	}
	return driver.Start(t, ".", filepath.Join(dir, l.driver))
}
