package secret

import _ "example/nostr" // want "internal/secret imports nothing of this module"
