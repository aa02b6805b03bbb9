#!/usr/bin/env bash
# Prepares the toolchain for building the components and the host. Idempotent; says what it does.
#
# The ordinary way is rustup: the toolchain of rust-toolchain.toml and the target wasm32-wasip2.
# Where rustup cannot download the target, Debian's own packages build the standard library for it:
# the settings for that are written to target/toolchain.env, which the Makefile reads.
set -euo pipefail
cd "$(dirname "$0")/.."
TARGET=wasm32-wasip2
ENV_FILE=target/toolchain.env

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

mkdir -p target
command -v rustup >/dev/null || die "rustup is missing: see https://rustup.rs"

# The embedded host compiles SQLite and assembly of its libraries with a C compiler.
if ! command -v cc >/dev/null; then
  command -v apt-get >/dev/null || die "a C compiler (cc) is missing: install one"
  say "installing a C compiler"
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
fi

rustup_way() {
  if rustup target list --installed 2>/dev/null | grep -qx "$TARGET"; then
    say "target $TARGET is installed"
  else
    say "adding target $TARGET"
    rustup target add "$TARGET" || return 1
  fi
  rm -f "$ENV_FILE"
}

debian_way() {
  command -v apt-get >/dev/null || die "rustup could not add $TARGET and this is no Debian"
  if ! dpkg -s rustc-web rust-web-src wasi-libc >/dev/null 2>&1; then
    say "installing rustc-web, rust-web-src and wasi-libc from Debian"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends rustc-web rust-web-src wasi-libc >/dev/null
  fi
  local bin
  bin="$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin"
  [ -x "$bin/wasm-component-ld" ] || die "the toolchain has no wasm-component-ld in $bin"
  say "writing $ENV_FILE: the standard library is built for $TARGET with Debian's compiler"
  cat > "$ENV_FILE" <<EOF
WASM_ENV = RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_WASIP2_LINKER=$bin/wasm-component-ld CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS="-L /usr/lib/wasm32-wasi -C target-feature=+simd128" PATH=$bin/gcc-ld:\$(PATH)
WASM_FLAGS = -Zbuild-std=std,panic_abort
EOF
}

case "${WASM_TOOLCHAIN:-auto}" in
  auto) rustup_way || { say "rustup could not add $TARGET, trying Debian's packages"; debian_way; } ;;
  rustup) rustup_way ;;
  debian) debian_way ;;
  *) die "WASM_TOOLCHAIN is auto, rustup or debian" ;;
esac

# Secrets of a development machine: made once, read by Spin and by the embedded host.
if [ ! -f .env ]; then
  say "writing .env with new secrets for this machine"
  secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
  umask 077
  printf 'SPIN_VARIABLE_OPERATOR_TOKEN=%s\nSPIN_VARIABLE_MASTER_KEY=%s\n' "$(secret)" "$(secret)" > .env
fi
say "ready"
