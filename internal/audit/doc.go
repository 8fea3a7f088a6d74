// Package audit builds, hashes and verifies the audit chain: pure functions
// over records, checkpoints and exported lines. The store numbers the records
// and keeps them; this package says what their bytes are and what is wrong with
// a chain that somebody touched.
//
// A chain, one per tenant, is
//
//	hash(0) = 32 zero bytes
//	hash(n) = SHA-256(hash(n-1) ‖ body(n))
//
// where body(n) is the record as JSON ([AppendBody]). A checkpoint is the head
// at one number, signed by the tenant's audit key (BIP-340); whoever holds one
// can tell afterwards that nothing before it was changed or left out.
package audit
