package inbox

import "example/nostr"

var method = nostr.SignEvent

type vault interface{ SignEvent() }

func replay(v vault) { v.SignEvent() } // want "internal/vault.SignEvent is called by internal/signer only"
