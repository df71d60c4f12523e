"""Lets kubeseal and another implementation open what the other one sealed, and refuse what was moved.

Usage: exchange.py KUBESEAL PEER, where PEER is the name of a module beside this file.
"""

import base64
import importlib
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
KEYS = HERE.parent / "vectors" / "keys"
NAMESPACE, NAME = "shop", "db"
ITEMS = {
    "empty": b"",
    "password": b"correct horse battery staple",
    "text": "päßwörd \U0001f511\n".encode(),
    "bytes": bytes(range(256)),
    "large": bytes(range(251)) * 100,
}

kubeseal, peer = sys.argv[1], importlib.import_module(sys.argv[2])
exchanged = 0


def run(*flags, stdin):
    done = subprocess.run([kubeseal, *flags], input=stdin, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def must(*flags, stdin):
    status, stdout, stderr = run(*flags, stdin=stdin)
    if status != 0:
        sys.exit(f"kubeseal {' '.join(flags)}: status {status}: {stderr}")
    return stdout


def same(what, wanted, got):
    global exchanged
    if wanted != got:
        wrong = [key for key in wanted.keys() | got.keys() if wanted.get(key) != got.get(key)]
        sys.exit(f"{what}: {', '.join(sorted(wrong))} came back otherwise")
    exchanged += len(wanted)


def refused(what, attempt):
    global exchanged
    try:
        attempt()
    except Exception:
        exchanged += 1
        return
    sys.exit(f"{what} was opened although it must not be")


def moved(document, **metadata):
    document = json.loads(document)
    document["metadata"].update(metadata)
    return json.dumps(document)


def as_json(document):
    """What a peer may have written in YAML."""
    if document.lstrip().startswith("{"):
        return document
    import yaml  # Whoever writes YAML brings a reader of it.

    return json.dumps(yaml.safe_load(document))


def secret():
    data = {key: base64.b64encode(value).decode() for key, value in ITEMS.items()}
    return json.dumps({"kind": "Secret", "metadata": {"name": NAME, "namespace": NAMESPACE}, "data": data}).encode()


def recover(key, document):
    key = ("--recovery-unseal", "--recovery-private-key", str(key))
    opened = json.loads(must(*key, stdin=document.encode()))
    return {item: base64.b64decode(value or "") for item, value in (opened.get("data") or {}).items()}


for size, form in (("rsa2048", "pkcs1"), ("rsa3072", "pkcs8"), ("rsa4096", "pkcs1")):
    certificate, key = KEYS / size / "cert.pem", KEYS / size / f"key.{form}.pem"
    for scope in ("strict", "namespace-wide", "cluster-wide"):
        what = f"{size} {form} {scope}"
        # Ours, theirs to open.
        sealed = must("--cert", str(certificate), "--scope", scope, stdin=secret()).decode()
        same(f"{what}, sealed by us", ITEMS, peer.open_document(key.read_bytes(), sealed))
        flags = ("--raw", "--cert", str(certificate), "--scope", scope, "-n", NAMESPACE, "--name", NAME)
        for item, value in ITEMS.items():
            raw = json.loads(sealed)
            raw["spec"]["encryptedData"] = {item: must(*flags, stdin=value).decode()}
            same(f"{what}, sealed raw by us", {item: value}, peer.open_document(key.read_bytes(), json.dumps(raw)))
        # Theirs, ours to open.
        theirs = as_json(peer.seal_document(certificate.read_bytes(), scope, NAMESPACE, NAME, ITEMS))
        same(f"{what}, sealed by them", ITEMS, recover(key, theirs))
        # Neither opens what was renamed or moved further than its scope allows.
        for change, allowed in (({"name": "other"}, scope != "strict"), ({"namespace": "other"}, scope == "cluster-wide")):
            if allowed:
                same(f"{what}, changed, sealed by us", ITEMS, peer.open_document(key.read_bytes(), moved(sealed, **change)))
                same(f"{what}, changed, sealed by them", ITEMS, recover(key, moved(theirs, **change)))
                continue
            refused(f"{what}, changed, sealed by us", lambda: peer.open_document(key.read_bytes(), moved(sealed, **change)))
            status, stdout, stderr = run(
                "--recovery-unseal", "--recovery-private-key", str(key), stdin=moved(theirs, **change).encode()
            )
            if status != 1 or stdout or "no key could decrypt secret" not in stderr:
                sys.exit(f"{what}, changed, sealed by them: status {status}: {stderr}")
            exchanged += 1

print(f"{sys.argv[2].removeprefix('peer_')}: {exchanged} values exchanged as they should be")
