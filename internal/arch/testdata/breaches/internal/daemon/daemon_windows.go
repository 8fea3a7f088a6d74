//go:build windows

package daemon

import (
	_ "example/internal/bunkertest" // want "for tests only"
	"example/internal/policy"
	"fmt"
)

func run() {
	fmt.Println("floor 4 may speak")
	policy.SignEvent()
	policy.Decide() // want "internal/policy.Decide is called by internal/signer only"
}
