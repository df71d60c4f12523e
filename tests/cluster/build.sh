#!/bin/sh
# Builds the test cluster's program unless it has been built before, and prints its path as the last line.
# The first build on a machine takes about five minutes on two cores; the result is kept outside the repository.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"

say() { echo "cluster/build.sh: $*" >&2; }
fail() {
    say "$*"
    exit 1
}

[ "$(uname -s)" = Linux ] || fail "the test cluster needs Linux (network namespaces)"

cache=${SEALED_SECRETS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sealed-secrets}
key=$(sha256sum go.mod go.sum ./*.go build.sh | sha256sum | cut -c 1-16)
target=$cache/cluster-$key
binary=$target/cluster

if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi

needed=$(sed -n 's/^go //p' go.mod)
how="install it from https://go.dev/dl/, or with a Go of at least 1.21 allow it to fetch its successor: GOTOOLCHAIN=auto"
command -v go >/dev/null 2>&1 || fail "go is missing; Go $needed or newer is needed: $how"
version=$(go env GOVERSION 2>/dev/null) || version=unusable # a Go that may not fetch a newer one ends here
oldest=$(printf '%s\n' "$needed" "${version#go}" | sort -V | head -n 1)
if [ "$version" = unusable ] || [ "$oldest" != "$needed" ]; then
    fail "Go $needed or newer is needed, this is $(cd / && go env GOVERSION): $how"
fi

mkdir -p "$target"
exec 9>"$target/lock"
if ! flock -n 9; then
    say "another build is running, waiting for it"
    flock 9
fi
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi

# Unstamped, the server has a version that Helm refuses.
kubernetes=$(sed -n 's/^[[:space:]]*k8s.io\/kubernetes v//p' go.mod)
stamps=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamps="$stamps -X $package.gitVersion=v$kubernetes"
    stamps="$stamps -X $package.gitMajor=$(echo "$kubernetes" | cut -d . -f 1)"
    stamps="$stamps -X $package.gitMinor=$(echo "$kubernetes" | cut -d . -f 2)"
    stamps="$stamps -X $package.gitTreeState=clean"
done

say "building Kubernetes $kubernetes (minutes the first time)"
draft=$target/cluster.$$
trap 'rm -f "$draft"' EXIT
CGO_ENABLED=0 nice go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w$stamps" -o "$draft" . >&2
mv "$draft" "$binary"
say "built $binary"
echo "$binary"
