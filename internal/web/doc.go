// Package web is the HTTP edge for people: it serves the admin app's files, which
// are built from ui/ and committed. The app speaks to the bunker through relays
// like from anywhere else, so nothing here knows keys, sessions or commands.
package web
