#!/usr/bin/env bash
# `make interop`: what kubeseal seals is opened by two other implementations of the format, both from PyPI, and the other
# way round. Each lives in an environment of its own, made once per machine from pinned packages.
#
# Usage: tests/interop/run.sh KUBESEAL
set -euo pipefail
kubeseal=$(realpath "${1:?usage: tests/interop/run.sh KUBESEAL}")
cd "$(dirname "$0")"
cache=${SEALED_SECRETS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sealed-secrets}/interop

fail() {
    printf 'interop: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
python3 -c 'import venv, ensurepip' 2>/dev/null ||
    fail "python3 with venv and pip is missing" "run scripts/setup.sh python (Debian: sudo apt-get install python3 python3-venv)"

for peer in aes-gcm-rsa-oaep kubesealpy; do
    requirements=requirements-$peer.txt
    environment=$cache/$peer-$({ cat "$requirements" && python3 --version; } | sha256sum | cut -c 1-16)
    if [ ! -e "$environment/complete" ]; then
        echo "interop: installing $peer from PyPI (once per machine)" >&2
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
            --requirement "$requirements" >&2 || {
            rm -rf "$environment"
            fail "the packages of tests/interop/$requirements cannot be installed" "is PyPI, or the mirror that pip is set to, within reach?"
        }
        touch "$environment/complete"
    fi
    PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" exchange.py "$kubeseal" "peer_${peer//-/_}"
done
