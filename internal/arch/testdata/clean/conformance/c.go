package conformance

import _ "fiatjaf.com/nostr"
