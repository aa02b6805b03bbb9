#!/usr/bin/env bash
# Runs the application with an installed Spin, which must host WASI 0.3 (4.1 or newer).
set -euo pipefail
cd "$(dirname "$0")/.."
LISTEN="${LISTEN:-127.0.0.1:3000}"
STATE="${STATE:-.spin}"

command -v spin >/dev/null || { echo "spin is not installed: see https://spinframework.dev, or use make run" >&2; exit 1; }
version="$(spin --version | sed -E 's/^spin ([0-9]+\.[0-9]+).*/\1/')"
if [ "$(printf '4.1\n%s\n' "$version" | sort -V | head -n 1)" != 4.1 ]; then
  echo "Spin $version is too old: 4.1 or newer is needed" >&2
  exit 1
fi
set -a; . ./.env; set +a
exec spin up --listen "$LISTEN" --state-dir "$STATE"
