#!/bin/sh
# Compares our template engine with Go's: records nothing, needs Go, takes some minutes.
#   compare.sh [COUNT [SEED]]   checks the recorded corpus against today's Go, then COUNT random templates (20 000)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/templates" .
"$work/templates" check corpus/*.jsonl

cd ../..
TEMPLATE_ORACLE=$work/templates TEMPLATE_COUNT=${1:-20000} TEMPLATE_SEED=${2:-1} \
    cargo test -p sealed-secrets-resource --lib -- --ignored template::oracle_tests
