package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nsecbunker/internal/seal"
)

// binary is the program, built once for the tests that run it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nsecbunker-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "nsecbunker")
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		return 1
	}
	return m.Run()
}

// build builds the program as it is, but for what a passphrase costs: these tests type more than
// a hundred, and 2^18 is a second and 256 MiB each time. It is a build and not a switch, so that
// the real program has none; what that one does with passphrases is tested by internal/seal and,
// at its real cost, by internal/bunkertest.
func build(dir string) error {
	source, err := filepath.Abs("../seal/params.go")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	dear, cheap := fmt.Sprintf("DefaultLogN = %d", seal.DefaultLogN), fmt.Sprintf("DefaultLogN = %d", seal.MinLogN)
	edited := strings.Replace(string(text), dear, cheap, 1)
	if edited == string(text) {
		return fmt.Errorf("%s does not say %q", source, dear)
	}
	params, overlay := filepath.Join(dir, "params.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: params}})
	if err := errors.Join(err, os.WriteFile(params, []byte(edited), 0o600), os.WriteFile(overlay, list, 0o600)); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-overlay", overlay, "-o", binary, "-ldflags", "-X main.version=v0.0.0-test", "../../cmd/nsecbunker")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
