// Command khatru is a relay made of fiatjaf.com/nostr/khatru: it listens at the address that it is given, until it is killed.
// It is a process of its own, since its library does pointer arithmetic that the race detector's checks end a program for.
package main

import (
	"fmt"
	"net/http"
	"os"

	"fiatjaf.com/nostr/khatru"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: khatru ADDRESS")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[1], khatru.NewRelay()))
	os.Exit(1)
}
