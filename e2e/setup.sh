# Sourced by the scripts here, from this folder: installs what they run with, or says in one line what is missing (status 3).
../scripts/setup e2e || return
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "e2e: Node.js 20.14 or newer with npm is missing; install it (Debian: apt-get install nodejs npm), then run this again" >&2
  return 3
fi
# npm ci when the lock file is not what is installed: npm leaves a copy of it behind, and so do we.
if ! cmp -s package-lock.json node_modules/.lock; then
  echo "e2e: installing the browser's driver and the client libraries" >&2
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || return 1
  cp package-lock.json node_modules/.lock
fi
