package nostr

import (
	_ "fiatjaf.com/nostr/nip46" // want "fiatjaf.com/nostr lives in conformance/go.mod only"
	_ "github.com/btcsuite/btcd/btcec/v2"
	_ "os"
)
