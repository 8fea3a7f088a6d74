// Package vault holds the only plaintext of keys. Everywhere else a key is an
// id or a pubkey; what wants something done with a key asks here, and gets the
// result, never the key.
//
// # What opens what
//
// Each tenant has two keys of 32 bytes (security.md section 1). Neither wraps
// anything itself: HKDF-SHA256 (RFC 5869) makes one subkey per purpose.
//
//	service key ──HKDF──┬─ "wrap service keys" ── signer keys, admin key, notifier key
//	 (file, credential) ├─ "mark flags"        ── MAC of what holds while sealed
//	                    └─ "wrap channel secrets" ── passwords and tokens of notices' channels
//
//	root key ─────HKDF──┬─ "wrap user keys"    ── user keys; a key with a passphrase
//	 (slots)            │                         of its own has a second wrap inside
//	                    ├─ "wrap audit key"    ── audit key
//	                    ├─ "mark rows"         ── MAC of rows of authority
//	                    ├─ "close replies"     ── replies of decrypt methods
//	                    ├─ "close summaries"   ── what questions show
//	                    ├─ "digests"           ── keyed digests in the log
//	                    └─ "answer codes"      ── codes of questions in direct messages
//
// With the root key absent the tenant is sealed: only signer, admin and notifier
// keys are here, so that it can still be heard and say that it is sealed.
//
// # Below every policy
//
// Before a user key does anything, floor.go refuses what must never happen
// (security.md section 2, the rows marked never). Nothing configures it.
//
// The package is pure: no I/O, no log, no goroutine. Time comes in by Config.Now
// or a parameter.
package vault
