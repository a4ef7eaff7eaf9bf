#!/bin/sh
# Installs the locked npm packages and bundles the replay page. Needs `node` and `npm` on PATH.
set -eu
cd "$(dirname "$0")"
npm ci --ignore-scripts --loglevel=error
npm run --silent build
