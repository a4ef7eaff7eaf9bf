#!/bin/sh
# `make demo`: chooses the cluster, installs what that needs, and runs the demo. `--which` only names the choice.
#   KUBE_CONTEXT=name   that cluster; nothing is installed but the Python environment
#   Docker and kind     a kind cluster, which is made if it is not there
#   root on Debian      a node on this machine; what it needs is installed and built
set -eu
cd "$(dirname "$0")/.."

choose() {
  if [ -n "${KUBE_CONTEXT:-}" ]; then
    echo context
  elif command -v kind > /dev/null && docker info > /dev/null 2>&1; then
    echo kind
  elif command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    echo node
  else
    echo none
  fi
}

choice=$(choose)
[ "${1:-}" != --which ] || { echo "$choice"; exit; }
case $choice in
  context)
    dev/install.sh client
    exec .venv/bin/python -m dev demo --context "$KUBE_CONTEXT"
    ;;
  kind)
    kind get clusters 2> /dev/null | grep -qx video-export || kind create cluster --name video-export
    exec bash .ci/kind video-export
    ;;
  node)
    dev/install.sh node
    exec .venv/bin/python -m dev demo
    ;;
  *)
    echo "make demo needs a cluster of yours (KUBE_CONTEXT=name), or Docker with kind, or root on Debian or Ubuntu (sudo -E make demo)" >&2
    exit 1
    ;;
esac
