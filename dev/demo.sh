#!/bin/sh
# `make demo`: chooses the cluster, installs what that needs, and runs the demo.
#   dev/demo.sh          the demo
#   dev/demo.sh --down   ends it
#   dev/demo.sh --which  only names the choice:
#     context   KUBE_CONTEXT=name: that cluster; nothing is installed but the Python environment
#     kind, k3d where Docker answers: a cluster of that program, which is made if it is not there
#     node      root on Debian: a node on this machine; what it needs is installed and built
#     none      none of these
set -eu
cd "$(dirname "$0")/.."

choose() {
  if [ -n "${KUBE_CONTEXT:-}" ]; then
    echo context
  elif command -v kind > /dev/null && docker info > /dev/null 2>&1; then
    echo kind
  elif command -v k3d > /dev/null && docker info > /dev/null 2>&1; then
    echo k3d
  elif command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    echo node
  else
    echo none
  fi
}

choice=$(choose)
command=demo
case ${1:-} in
  --which)
    echo "$choice"
    exit
    ;;
  --down) command=down ;;
esac
case $choice in
  context) set -- client --context "$KUBE_CONTEXT" ;;
  kind | k3d) set -- client --provider "$choice" ;;
  node) set -- node ;;
  *)
    echo "make demo needs a cluster of yours (KUBE_CONTEXT=name), or Docker with kind or k3d, or root on Debian or Ubuntu (sudo -E make demo)" >&2
    exit 1
    ;;
esac
needed=$1
shift
[ "$command" = demo ] || needed=client # to end it
dev/install.sh "$needed"
exec .venv/bin/python -m dev "$command" "$@"
