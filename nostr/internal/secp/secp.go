// Package secp is the one place that computes on the curve secp256k1. It has
// two back ends, both constant-time where a secret is involved: libsecp256k1 in
// C with the build tag of that name, and secp256k1-voi in pure Go without.
//
// A secret key is computed with in its prepared form, an array of KeySize
// bytes that means something to the back end that made it and nothing to the
// other. It is as secret as the key, must be aligned to 8 bytes, and is kept in
// locked memory by the caller.
//
// Numbers and coordinates are 32 bytes, big-endian. Public keys are x
// coordinates (BIP-340).
package secp
