// Package bunkertest runs whole bunkers for tests: in this process over real
// sockets and a real store, with a clock and faults that the test sets, and as
// the real program that can be killed. Its own tests hold the promises of
// security.md section 6, as far as they are about one instance.
package bunkertest
