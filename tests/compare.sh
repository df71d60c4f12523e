#!/bin/sh
# Compares a part of ours with Go's, which answers as a program of its own: records nothing, needs Go.
#   compare.sh documents [COUNT [SEED]]   COUNT random documents (20 000), as we and as the reference's reader read them, and
#                                         what we write of them, read by that reader
#   compare.sh templates [COUNT [SEED]]   the recorded corpus against today's Go, then COUNT random templates (20 000) and half
#                                         as many damaged ones
# The same SEED (1) gives the same documents and templates.
set -eu

part=$1
count=${2:-20000}
seed=${3:-1}
cd "$(dirname -- "$0")/$part"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/oracle" .
if [ -d corpus ]; then
    echo "recorded answers: $(cat corpus/*.jsonl | wc -l)"
    "$work/oracle" check corpus/*.jsonl
fi

echo "random $part: $count, seed $seed"
cd ../..
# The same choice of features as the unit tests, so that nothing below us is compiled a second time.
GO_ORACLE=$work/oracle GO_COUNT=$count GO_SEED=$seed \
    cargo test --workspace --lib -- --ignored "${part%s}::oracle_tests"
