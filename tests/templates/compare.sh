#!/bin/sh
# Compares our template engine with Go's, which answers as a program of its own: records nothing, needs Go.
#   compare.sh [COUNT [SEED]]   checks the recorded corpus against today's Go, then COUNT random templates (20 000) and half
#                               as many damaged ones; the same SEED (1) gives the same templates
set -eu

count=${1:-20000}
seed=${2:-1}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/templates" .
echo "recorded answers: $(cat corpus/*.jsonl | wc -l)"
"$work/templates" check corpus/*.jsonl

echo "random templates: $count, and $((count / 2)) damaged ones, seed $seed"
cd ../..
# The same choice of features as the unit tests, so that nothing below us is compiled a second time.
TEMPLATE_ORACLE=$work/templates TEMPLATE_COUNT=$count TEMPLATE_SEED=$seed \
    cargo test --workspace --lib -- --ignored template::oracle_tests
