package freeport

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
)

// each is more addresses than one block has.
const each = block + 10

// Two processes of tests never have an address in common, nor does one have it twice.
func TestNoAddressIsGivenTwice(t *testing.T) {
	if os.Getenv("FREEPORT_OTHER") != "" {
		for range each {
			os.Stdout.WriteString(Address(t) + "\n")
		}
		return
	}
	given := map[string]bool{}
	for range each {
		given[Address(t)] = true
	}
	other := exec.Command(os.Args[0], "-test.run=^TestNoAddressIsGivenTwice$")
	other.Env = append(os.Environ(), "FREEPORT_OTHER=1")
	out, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if at := lines.Text(); len(at) > len("127.0.0.1:") && at[:len("127.0.0.1:")] == "127.0.0.1:" {
			given[at] = true
		}
	}
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(given) != 2*each {
		t.Errorf("%d addresses, want %d", len(given), 2*each)
	}
}
