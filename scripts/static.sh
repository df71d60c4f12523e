#!/usr/bin/env bash
# Builds static `controller` and `kubeseal` for Linux and prints the folder that holds them as the last line.
#
# Usage: scripts/static.sh amd64|arm64
#
# The same sources and compilers give the same bytes in whatever folder. SEALED_SECRETS_BUILD_VERSION stamps a version.
# Exit code 3: this machine lacks what the platform needs; what that is stands on stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'static: %s\n' "$*" >&2; }
lacking() {
    say "$1"
    printf 'hint: %s\n' "$2" >&2
    exit 3
}
have() { command -v "$1" >/dev/null 2>&1; }

architecture=${1:?usage: scripts/static.sh amd64|arm64}
case $architecture in
amd64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
*) say "unknown platform $architecture: amd64 or arm64" && exit 2 ;;
esac
target=$machine-unknown-linux-musl
variable=${target//-/_}

installed() { [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; }
if ! installed && have rustup; then
    rustup target add "$target" >&2 || true
fi
if ! installed; then
    [ "$machine" = "$(uname -m)" ] ||
        lacking "Rust's standard library for $target is missing" "run: rustup target add $target"
    # Static as well, but its names of hosts come from files that an image does not have; good enough to be tried.
    say "Rust's standard library for $target is missing; glibc is linked instead (for a release: rustup target add $target)"
    target=$machine-unknown-linux-gnu
    variable=${target//-/_}
fi

if [ "$machine" = "$(uname -m)" ]; then
    compiler=cc
else
    compiler=$machine-linux-gnu-gcc
    if ! have "$compiler" && have apt-get && [ "$(id -u)" -eq 0 ]; then
        say "installing gcc-${machine/_/-}-linux-gnu"
        export DEBIAN_FRONTEND=noninteractive
        (apt-get update -qq && apt-get install -y -qq --no-install-recommends "gcc-${machine/_/-}-linux-gnu" \
            "libc6-dev-$architecture-cross") >&2 || true
    fi
    have "$compiler" || lacking "the C compiler $compiler is missing; the cryptographic library is written in C" \
        "on Debian: sudo apt-get install gcc-${machine/_/-}-linux-gnu libc6-dev-$architecture-cross"
    # It links with what Rust brings along; no C library for the platform is needed.
    export "CARGO_TARGET_$(tr '[:lower:]' '[:upper:]' <<<"$variable")_LINKER=rust-lld"
fi
# A static program relocates itself: musl can read the compact table, which saves half a MiB.
packed=()
case $target-$compiler in
*-musl-cc) packed=(-Clink-arg=-Wl,-z,pack-relative-relocs) ;;
*-musl-*) packed=(-Clink-arg=-z -Clink-arg=pack-relative-relocs) ;;
esac

here=$PWD
# No path of this machine in the programs. Some compilers turn on checks that call functions which musl does not have.
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\x1f' "--remap-path-prefix=$here=/src" \
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" "-Ctarget-feature=+crt-static" "-Crelocation-model=pic" "${packed[@]}")
CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
export CARGO_ENCODED_RUSTFLAGS
export "CC_$variable=$compiler"
export "CFLAGS_$variable=-U_FORTIFY_SOURCE -ffile-prefix-map=$here=/src -ffile-prefix-map=${CARGO_HOME:-$HOME/.cargo}=/cargo"

cargo build --release --locked --target "$target" -p kubeseal -p sealed-secrets-controller >&2
echo "${CARGO_TARGET_DIR:-target}/$target/release"
