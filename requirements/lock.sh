#!/bin/sh
# Locks every set of dependencies with hashes, for every Python and platform the project supports.
# The locks name no index: they hold for whatever mirror a machine uses.
set -eu
cd "$(dirname "$0")/.."
lock() { # output, uv arguments
  out=requirements/$1.txt; shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --output-file "$out" "$@"
}
# The operator is no client: what only `video-export` imports stays out of its image.
lock operator pyproject.toml --extra operator --no-emit-package obstore --no-emit-package rich \
  --no-emit-package markdown-it-py --no-emit-package mdurl --no-emit-package pygments "$@"
lock worker pyproject.toml --extra worker "$@"
lock dev pyproject.toml --extra operator --extra worker --extra dev --extra docs "$@"
lock build requirements/build.in "$@"
