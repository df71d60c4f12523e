#!/usr/bin/env bash
# Makes sure that what the Makefile needs is there: a C compiler, Rust, Go and, when they are named, Python and tools in Rust.
# As root on Debian or Ubuntu missing packages are installed; elsewhere the missing thing is named with how to get it.
#
# Usage: scripts/setup.sh [cargo-deny] [cargo-cyclonedx] [python]
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    say "$1"
    printf 'hint: %s\n' "$2" >&2
    exit 1
}
wanted=" $* "
wants() { [ "${wanted#* "$1" }" != "$wanted" ]; }
have() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

install_packages() {
    local packages=$1
    if ! have apt-get || [ "$(id -u)" -ne 0 ]; then
        fail "missing: $packages" "install them with your system's package manager (Debian: sudo apt-get install $packages)"
    fi
    say "installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of names
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages) >&2 ||
        fail "could not install $packages" "run: apt-get update && apt-get install $packages"
}

[ "$(uname -s)" = Linux ] || fail "the demo and the tests need Linux (network namespaces)" \
    "on other systems build with: cargo build --release"

missing=
have cc || missing="$missing gcc libc6-dev"
have nsenter || missing="$missing util-linux"
have git || missing="$missing git"
have openssl || missing="$missing openssl"
[ -z "$missing" ] || install_packages "${missing# }"

rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! have cargo && have apt-cache && [ "$(id -u)" -eq 0 ] && apt-cache show rustup >/dev/null 2>&1; then
    install_packages rustup
    rustup default stable >&2
fi
have cargo || fail "cargo is missing; Rust $rust or newer is needed" "see https://rustup.rs"
version=$(cargo --version | cut -d ' ' -f 2)
at_least "$rust" "$version" || fail "Rust $rust or newer is needed, this is $version" "run: rustup update stable"
if have rustup; then
    for component in rustfmt clippy; do
        have "cargo-${component/rustfmt/fmt}" || rustup component add "$component" >&2
    done
fi

# The test cluster's own script knows which Go it needs and says so; only its absence is mended here.
if ! have go; then
    if have apt-get && [ "$(id -u)" -eq 0 ]; then
        install_packages golang-go
    else
        fail "go is missing; the test cluster is built with it" "see https://go.dev/doc/install"
    fi
fi

# Other implementations of the format, which come from PyPI, are exchanged values with.
if wants python && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    install_packages "python3 python3-venv"
fi

# Tools in Rust, each at the version that is known to work. Some minutes, once per machine.
tool() {
    local name=$1 version=$2
    wants "$name" && ! have "$name" || return 0
    local cache=${SEALED_SECRETS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sealed-secrets}
    [ ! -x "$cache/tools/bin/$name" ] || return 0
    say "building $name (some minutes, once per machine)"
    cargo install "$name" --version "$version" --locked --root "$cache/tools" >&2
}
tool cargo-deny 0.20.2
tool cargo-cyclonedx 0.5.9
