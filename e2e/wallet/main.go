// wallet is a Lightning wallet for the browser tests: phoenixd's API on loopback, whose
// invoices nobody can pay. It writes its address and its limited password as JSON, and
// settles the invoices that it is told on its input, one a line: BOLT11 [msat].
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/wallet/wallettest"
)

// outside is what the wallet needs of a test; it ends with the process.
type outside struct{ testing.TB }

func (outside) Helper()        {}
func (outside) Cleanup(func()) {}

func main() {
	node := wallettest.New(time.Now)
	door := node.Phoenixd(outside{})
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": door.URL, "secret": door.Secret}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var text string
		var msat int64
		if _, err := fmt.Sscan(lines.Text()+" 0", &text, &msat); err != nil {
			fmt.Fprintln(os.Stderr, "a line is: BOLT11 [msat]")
			continue
		}
		for _, inv := range node.Invoices() {
			if strings.EqualFold(inv.Bolt11, text) {
				node.SettleWith(inv.Hash, msat)
				fmt.Println("settled")
			}
		}
	}
}
