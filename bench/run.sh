#!/usr/bin/env bash
# `make bench`: sets up what is missing, builds optimised programs and prints what they cost, as ratios within this run.
# What the figures mean is in bench/README.md. Only a build that seeds its random generator the slow way is a failure.
#
# Usage: bench/run.sh [programs|scale]     one half of it; both without a word
# Of the environment: SCALE_CONTROLLER, SCALE_FLAGS, SCALE_OBJECTS and SCALE_KEYS (bench/README.md)
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*"; }

what=${1:-all}
wants() { [ "$what" = all ] || [ "$what" = "$1" ]; }
wants programs || wants scale || { echo "usage: bench/run.sh [programs|scale]" >&2; exit 1; }

say "Setting up"
scripts/setup.sh
if wants programs && ! command -v valgrind >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
        echo "bench: missing: valgrind, which counts instructions" >&2
        echo "hint: install it with your system's package manager (Debian: sudo apt-get install valgrind)" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends valgrind) >&2
fi

say "Building with optimisations (minutes the first time)"
# In one go, so that all have the same features: those that the two programs are shipped with.
cargo build --release -p kubeseal -p sealed-secrets-controller -p sealed-secrets-bench
built=$(realpath "${CARGO_TARGET_DIR:-target}")/release
say "Building the test cluster (minutes the first time, nothing after that)"
cluster=$(tests/cluster/build.sh | tail -n 1)

work=$(mktemp -d "${TMPDIR:-/tmp}/sealed-secrets-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Whatever people have set for their own clusters must not be measured.
for name in $(compgen -e SEALED_SECRETS_ || true); do
    [ "$name" = SEALED_SECRETS_CACHE ] || unset "$name"
done

status=0
if wants programs; then
    say "Measuring (about ten minutes; what else the machine does costs precision)"
    "$built/sealing"
    "$built/recovering" prepare "$work"
    "$built/recovering" measure "$built/kubeseal" "$work"
    "$built/programs" "$built/kubeseal" "$built/first_random" tests/vectors/keys "$work" || status=$?
    "$built/repository" "$built/kubeseal" "$work"
    BENCH_BUILT=$built "$cluster" run --dir "$work/cluster" -- bash -euo pipefail -c '
        "$CLUSTER_BIN" kubectl apply -f manifests/crd.yaml >/dev/null
        "$CLUSTER_BIN" kubectl wait --for=condition=Established crd/sealedsecrets.bitnami.com >/dev/null
        exec "$BENCH_BUILT/idle" "$BENCH_BUILT/controller" "$BENCH_BUILT/watch" kube-system
    '
fi
if wants scale; then
    say "Measuring a controller at scale (about twenty-five minutes)"
    controller=$(realpath "${SCALE_CONTROLLER:-$built/controller}")
    # shellcheck disable=SC2086 # a list of flags
    "$built/scale" "$cluster" manifests "$work/scale" "$controller" \
        "${SCALE_OBJECTS:-1000,4000}" "${SCALE_KEYS:-1,12,60}" ${SCALE_FLAGS:-}
fi
exit "$status"
