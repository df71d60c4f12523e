#!/usr/bin/env bash
# `make dist`: both programs as static binaries, which run on any Linux of this processor, in target/dist.
#
# They are linked with musl, so Rust needs its musl target and the C library of the cryptography a compiler for musl. What
# is missing is named together with the command that installs it; nothing is built then.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'dist: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
[ "$(uname -s)" = Linux ] || fail "static binaries are built on Linux" "run make dist there, or in a container"

machine=$(uname -m)
target=$machine-unknown-linux-musl
variable=CC_${target//-/_}
[ -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ] ||
    fail "Rust's target $target is missing" "run: rustup target add $target"
compiler=${!variable:-}
for candidate in "$machine-linux-musl-gcc" musl-gcc; do
    [ -n "$compiler" ] || compiler=$(command -v "$candidate" || true)
done
[ -n "$compiler" ] ||
    fail "a C compiler for musl is missing" "install one (Debian: sudo apt-get install musl-tools), or name it in $variable"
export "$variable=$compiler"

cargo build --release --locked --target "$target" -p kubeseal -p sealed-secrets-controller

folder=${CARGO_TARGET_DIR:-target}
mkdir -p "$folder/dist"
for program in kubeseal controller; do
    built=$folder/$target/release/$program
    # A binary that names an interpreter would look for the C library of the machine that it runs on.
    if LC_ALL=C grep -q -a -m 1 '/lib.*/ld-' <(head -c 4096 "$built"); then
        fail "$built is not static" "is $compiler a compiler for musl?"
    fi
    install -m 755 "$built" "$folder/dist/$program"
    printf '%s  %s bytes\n' "$folder/dist/$program" "$(stat -c %s "$built")"
done
