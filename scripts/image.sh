#!/usr/bin/env bash
# Writes the images of the controller and of kubeseal as OCI archives into target/image; no container engine is needed.
#
#   PLATFORMS="amd64 arm64"   platforms of the images; by default that of this machine
#   VERSION=1.2.3             their tag, and what both programs print after a v; by default the version of the packages
#   SOURCE_DATE_EPOCH=…       their time; by default that of the last commit
#
# Two runs of the same sources give the same digests, which are printed.
set -euo pipefail
cd "$(dirname "$0")/.."

case $(uname -m) in
x86_64) own=amd64 ;;
aarch64) own=arm64 ;;
*) own=$(uname -m) ;;
esac
version=${VERSION:-$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)}
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

export SEALED_SECRETS_BUILD_VERSION=v$version
options=()
for platform in ${PLATFORMS:-$own}; do
    folder=$(scripts/static.sh "$platform" | tail -n 1)
    options+=(--platform "$platform=$folder")
done
cargo run --quiet --locked -p sealed-secrets-image -- \
    --output "${CARGO_TARGET_DIR:-target}/image" --version "$version" --created "$time" "${options[@]}"
