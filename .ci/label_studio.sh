#!/usr/bin/env bash
# Installs what the tests of verification rounds need: a Label Studio server in an environment of
# its own, in the user's cache, by our own command; and a browser, whose package Debian has. Also
# strace, with which the tests of shards see what the system is asked. Does nothing where all is.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/imagewikiqa verify serve --install
if command -v chromium >/dev/null && command -v strace >/dev/null; then
  echo "Chromium and strace are installed already"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Chromium or strace is not installed: run .ci/label_studio.sh as root on Debian or its kin" >&2
  exit 1
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core strace; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  echo "Chromium and strace could not be installed; the whole log is $log" >&2
  exit 1
fi
rm -f "$log"
echo "Chromium and strace are installed"
