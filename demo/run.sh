#!/usr/bin/env bash
# `make demo`: sets up what is missing, builds, starts a cluster and tells the story of story.sh on it.
#
#   KEEP=1                  leave the cluster up at the end and print how to use it
#   DEMO_KUBECONFIG=file    use this cluster instead of the embedded one
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*"; }

say "Setting up"
scripts/setup.sh
say "Building kubeseal and the controller"
cargo build --workspace
say "Building the test cluster (minutes the first time, nothing after that)"
cluster=$(tests/cluster/build.sh | tail -n 1)

work=$(mktemp -d "${TMPDIR:-/tmp}/sealed-secrets-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
target=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
ln -s "$target/kubeseal" "$target/controller" "$work/bin/"
ln -s "$cluster" "$work/bin/kubectl"
export PATH="$work/bin:$PATH" DEMO_WORK=$work DEMO_MANIFESTS=$PWD/manifests KEEP=${KEEP:-}

# Whatever people have set for their own clusters must not reach the story.
for name in $(compgen -e SEALED_SECRETS_ || true); do
    [ "$name" = SEALED_SECRETS_CACHE ] || unset "$name"
done

if [ -n "${DEMO_KUBECONFIG:-}" ]; then
    say "Using the cluster of $DEMO_KUBECONFIG"
    "$cluster" run --kubeconfig "$DEMO_KUBECONFIG" -- demo/story.sh
else
    say "Starting the cluster"
    "$cluster" run --dir "$work/cluster" -- demo/story.sh
fi
