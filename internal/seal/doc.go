// Package seal is where a bunker's two keys come from.
//
// The root key is random and never stored as it is. Each key slot holds it
// wrapped under what the slot yields; any one slot opens it:
//
//	passphrase ── NFKC ── scrypt (in a child process that exits) ─┐
//	file       ── its bytes ──────────────────────────────────────┤
//	credential ── its bytes (systemd) ────────────────────────────┼─ HKDF ── wraps the root key
//	command    ── what it prints (a KMS, a HSM's tool) ───────────┘
//
// Associated data are the tenant, the slot's id and kind, and the SHA-256 of its
// parameters as stored: a slot whose parameters were changed does not open.
//
// The service key, which lets a sealed bunker speak, is a file of mode 0600 in
// the data folder, or a systemd credential.
package seal
