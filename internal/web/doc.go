// Package web is the HTTP edge: it serves the admin app's files, which are built
// from ui/ and committed, the pages and orders of a hosted service, and the door for
// scripts (NIP-98). The admin app speaks to the bunker through relays like from
// anywhere else, so the page's part knows no keys, sessions or commands; a script's
// command goes to the table of commands, which decides.
package web
