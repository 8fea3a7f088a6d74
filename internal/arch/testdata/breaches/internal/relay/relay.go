package relay

import (
	policy "example/internal/policy"
	_ "example/internal/store/schema" // want "edges never import each other"
	_ "modernc.org/sqlite"            // want "modernc.org/sqlite belongs to internal/store"
)

func judge() { policy.Decide() } // want "internal/policy.Decide is called by internal/signer only"
