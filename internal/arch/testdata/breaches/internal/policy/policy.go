package policy // want package "names Decide, which is not declared here"

import (
	_ "database/sql"                // want "floor 2 may not import database/sql"
	_ "example/internal/audit"      // want "internal/audit stands below internal/policy"
	_ "example/internal/bunkertest" // want "for tests only"
	_ "example/internal/store"      // want "floor 2 may not import internal/store, which is on floor 3"
	"fmt"
	_ "log/slog" // want "floor 2 may not import log/slog"
	_ "net/http" // want "floor 2 may not import net/http"
	_ "net/netip"
	_ "net/url"
	_ "os/exec" // want "floor 2 may not import os/exec"
	clock "time"
)

func decide() {
	go decide()       // want "no go statement"
	fmt.Println("hi") // want "does not write to the terminal"
	println("hi")     // want "println writes to the terminal"
	_ = clock.Now()   // want "never reads the clock (time.Now)"
	now := clock.Now  // want "never reads the clock (time.Now)"
	_ = now
	_ = clock.After(1) // want "never waits (time.After)"
	clock.Sleep(1)     // want "no sleeping"
}
