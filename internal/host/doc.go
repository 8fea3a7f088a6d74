// Package host is what a hosted instance decides: what it owes to its tenants and they
// to it (seats, turns), what a bunker costs, how an order goes, how a bunker ends that
// is not paid any more. It is pure: time, wallets and rows come in as data.
package host
