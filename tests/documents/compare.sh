#!/bin/sh
# Compares how we read YAML, and what we write, with how the reference reads it, whose reader answers as a program of its
# own. Needs Go.
#   compare.sh [COUNT [SEED]]   reads COUNT random documents (20 000); the same SEED (1) gives the same documents
set -eu

count=${1:-20000}
seed=${2:-1}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/documents" .
echo "random documents: $count, seed $seed"
cd ../..
# The same choice of features as the unit tests, so that nothing below us is compiled a second time.
DOCUMENT_ORACLE=$work/documents DOCUMENT_COUNT=$count DOCUMENT_SEED=$seed \
    cargo test --workspace --lib -- --ignored document::oracle_tests
