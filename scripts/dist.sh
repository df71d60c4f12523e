#!/usr/bin/env bash
# Makes what a release consists of, in target/dist: programs for Linux on amd64 and arm64, images, manifests, chart, an SBOM
# of each program, and checksums. A platform that this machine cannot build for is left out, and that is said.
#
#   PLATFORMS="amd64 arm64"   platforms; one that is named here and cannot be built is an error
#   VERSION=1.2.3             by default the version of the packages
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'dist: %s\n' "$*" >&2; }
version=${VERSION:-$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)}
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SEALED_SECRETS_BUILD_VERSION=v$version SOURCE_DATE_EPOCH=$time VERSION=$version
target=${CARGO_TARGET_DIR:-target}
dist=$target/dist
rm -rf "$dist"
mkdir -p "$dist"

stages=$(mktemp -d)
# One SBOM is written beside each Cargo.toml of the workspace; two of them are published.
boms() { find . -path ./target -prune -o -name sealed-secrets-sbom.json -print; }
trap 'rm -rf "$stages"; boms | xargs --no-run-if-empty rm' EXIT

# Sorted, and without owners and times of this machine.
pack() {
    local archive=$1 folder=$2
    shift 2
    tar --create --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --mtime="@$time" \
        --directory="$folder" "$@" | gzip --no-name --best >"$dist/$archive"
}

built=
for platform in ${PLATFORMS:-amd64 arm64}; do
    status=0
    folder=$(scripts/static.sh "$platform" | tail -n 1) || status=$?
    if [ "$status" -eq 3 ] && [ -z "${PLATFORMS:-}" ]; then
        say "$platform is left out, see above"
        continue
    fi
    [ "$status" -eq 0 ] || exit "$status"
    built="$built $platform"
    for program in kubeseal controller; do
        stage=$stages/$program-$platform
        mkdir "$stage"
        cp "$folder/$program" LICENSE README.md "$stage/"
        pack "$program-$version-linux-$platform.tar.gz" "$stage" LICENSE README.md "$program"
    done
done
[ -n "$built" ] || {
    say "no platform could be built"
    exit 1
}

PLATFORMS=${built# } scripts/image.sh
for image in controller kubeseal; do
    gzip --no-name --best --stdout "$target/image/sealed-secrets-$image.tar" >"$dist/sealed-secrets-$image-$version-image.tar.gz"
done

cp manifests/controller.yaml manifests/controller-norbac.yaml "$dist/"
chart=$(sed -n 's/^version: //p' manifests/helm/sealed-secrets/Chart.yaml)
cp -r manifests/helm/sealed-secrets "$stages/"
pack "sealed-secrets-$chart.tgz" "$stages" sealed-secrets

# CycloneDX, of the libraries that are linked on Linux; not of those that tests or builds use.
cargo cyclonedx --quiet --format json --target x86_64-unknown-linux-musl --no-build-deps \
    --override-filename sealed-secrets-sbom
for program in controller kubeseal; do
    # Without the folder of this machine.
    sed "s|$PWD|/src|g" "$program/sealed-secrets-sbom.json" >"$dist/$program-$version.cdx.json"
done

(cd "$dist" && sha256sum -- * >"sealed-secrets_${version}_checksums.txt")
say "made for$built:"
ls -l "$dist" >&2
