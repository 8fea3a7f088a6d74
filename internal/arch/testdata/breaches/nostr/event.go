package nostr

import (
	_ "database/sql"                      // want "floor 0 may not import database/sql"
	_ "example/internal/bunker"           // want "floor 0 may not import internal/bunker, which is on floor 1"
	_ "example/internal/nowhere"          // want "internal/nowhere is not in the table"
	_ "example/internal/secret"           // the one exception
	_ "github.com/btcsuite/btcd/btcec/v2" // want "for tests only"
	_ "golang.org/x/crypto/scrypt"        // want "nostr does not name golang.org/x/crypto/scrypt"
	_ "math/rand/v2"                      // want "floor 0 may not import math/rand/v2"
)
