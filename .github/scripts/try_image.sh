#!/usr/bin/env bash
# Tries an image out as a cluster runs it: its user, a read-only root, no capabilities, no network.
# Usage: try_image.sh operator|worker IMAGE
set -euo pipefail
kind=${1:?usage: try_image.sh operator|worker IMAGE}
image=${2:?usage: try_image.sh operator|worker IMAGE}
contained() {
  docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --network none "$@"
}
case $kind in
  operator)
    contained "$image" --version
    contained "$image" run --help > /dev/null
    ;;
  worker)
    contained "$image" --version
    for format in mp4 webm gif; do
      contained --volume "$PWD/tests/recordings:/recordings:ro" "$image" \
        render /recordings/form.json.gz --output "/tmp/video.$format"
    done
    ;;
  *)
    echo "try_image.sh: $kind is neither operator nor worker" >&2
    exit 2
    ;;
esac
