// Package bunker is the vocabulary of nsecBunker: the nouns that every other
// package speaks of, without any I/O. One word, one meaning; the glossary in
// docs/architecture.md lists them.
//
// Everything that carries authority (who may do what) has a canonical form
// that a MAC under the tenant's root key protects; see [Authority].
package bunker
