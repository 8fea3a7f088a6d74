#!/bin/sh
# sign-from-ci.sh TEXT: has a note signed through a bunker and prints it, from a job in CI.
# BUNKER_SESSION   what the file of `nsecbunker client connect … --key-file` holds: a secret of the CI
# NSECBUNKER       the program (default: nsecbunker, on PATH)
# Exit status: the client's. 1: refused, or not answered within a minute; its words are on stderr.
set -eu
: "${BUNKER_SESSION:?is not set: see examples/README.md}"
[ $# -eq 1 ] || { echo "usage: sign-from-ci.sh TEXT" >&2; exit 2; }

umask 077 # the client refuses a session that others can read
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '%s' "$BUNKER_SESSION" >"$dir/session"
unset BUNKER_SESSION # no other program gets it

"${NSECBUNKER:-nsecbunker}" client sign --key-file "$dir/session" --timeout 1m -k 1 -c "$1" -t client=ci
