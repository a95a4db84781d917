#!/usr/bin/env bash
# Installs what tests/builders/wiki/mediawiki.py serves: Debian's MediaWiki and PHP with SQLite.
# Does nothing where both are there; else needs root and apt. Apache, which Debian pulls in, is
# not started: nothing is served but by the tests, on a port of this machine.
set -euo pipefail

installed() {
  [ -f /usr/share/mediawiki/maintenance/install.php ] &&
    php -r 'exit(array_diff(["sqlite3", "mbstring", "xml", "intl", "pdo_sqlite"], array_map("strtolower", get_loaded_extensions())) ? 1 : 0);' 2>/dev/null
}

if installed; then
  echo "MediaWiki is installed already"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "MediaWiki is not installed: run .ci/mediawiki.sh as root on Debian 12 or its kin" >&2
  exit 1
fi
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # Debian's own way to say that no service may start
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
if ! {
  apt-get update && apt-get install -y --no-install-recommends \
    mediawiki php-cli php-sqlite3 php-mbstring php-xml php-intl php-apcu
} >"$log" 2>&1 || ! installed; then
  tail -n 5 "$log" >&2
  echo "MediaWiki could not be installed; the whole log is $log" >&2
  exit 1
fi
rm -f "$log"
echo "MediaWiki is installed"
