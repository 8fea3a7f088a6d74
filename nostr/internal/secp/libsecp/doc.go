//go:build !libsecp256k1

// Package libsecp is the C back end of secp. It is empty without the build tag
// libsecp256k1.
package libsecp
