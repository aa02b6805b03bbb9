#!/usr/bin/env bash
# Starts the application and, when it answers, prepares and shows the demo tenant.
set -euo pipefail
cd "$(dirname "$0")/.."
HOST=target/release/sklad-edge
LISTEN="${LISTEN:-127.0.0.1:3000}"
STATE="${STATE:-.spin}"

mkdir -p "$STATE"
"$HOST" up --cron-manifest spin.cron.toml --listen "$LISTEN" --state-dir "$STATE" &
server=$!
trap 'kill -TERM "$server" 2>/dev/null || true' INT TERM
# The command itself says with 3 that nobody answers yet.
for _ in $(seq 300); do
  kill -0 "$server" 2>/dev/null || wait "$server"
  code=0
  "$HOST" demo seed --url "http://$LISTEN" --key-file "$STATE/demo-key" 2>"$STATE/seed.log" || code=$?
  [ "$code" = 3 ] || { cat "$STATE/seed.log" >&2; break; }
  sleep 0.2
done
wait "$server"
