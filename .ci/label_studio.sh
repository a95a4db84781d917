#!/usr/bin/env bash
# Installs what the tests of verification rounds need: a Label Studio server in an environment of
# its own, in the user's cache, by our own command; and a browser, whose package Debian has.
# Does nothing where both are there.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/imagewikiqa verify serve --install
if command -v chromium >/dev/null; then
  echo "Chromium is installed already"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Chromium is not installed: run .ci/label_studio.sh as root on Debian or its kin" >&2
  exit 1
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  echo "Chromium could not be installed; the whole log is $log" >&2
  exit 1
fi
rm -f "$log"
echo "Chromium is installed"
