#!/bin/sh
# Installs the locked npm packages and bundles the replay page, with the digest of what it is made of beside it.
# Needs `node` and `npm` on PATH. `build.sh --digest` only prints the digest.
set -eu
cd "$(dirname "$0")"
digest() { find . -path ./node_modules -prune -o -type f -print | LC_ALL=C sort | xargs cat | sha256sum | cut -d ' ' -f 1; }
[ "${1:-}" != --digest ] || { digest; exit; }
npm ci --ignore-scripts --loglevel=error
npm run --silent build
digest > ../video_export_worker/player_dist/.built
