"""The package aes-gcm-rsa-oaep: values alone; labels and documents are written down here, by the format's description."""

import base64
import json

from aes_gcm_rsa_oaep import decrypt, encrypt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

ANNOTATION = "sealedsecrets.bitnami.com/"


def label(scope, namespace, name):
    return {"strict": f"{namespace}/{name}", "namespace-wide": namespace, "cluster-wide": ""}[scope].encode()


def seal_document(certificate, scope, namespace, name, items):
    public = x509.load_pem_x509_certificate(certificate).public_key()
    bound_to = label(scope, namespace, name)
    sealed = {key: base64.b64encode(encrypt(value, public, bound_to)).decode() for key, value in items.items()}
    metadata = {"name": name, "namespace": namespace}
    if scope != "strict":
        metadata["annotations"] = {ANNOTATION + scope: "true"}
    return json.dumps({"kind": "SealedSecret", "metadata": metadata, "spec": {"encryptedData": sealed}})


def open_document(private_key, document):
    private = load_pem_private_key(private_key, None)
    document = json.loads(document)
    metadata = document["metadata"]
    annotations = metadata.get("annotations", {})
    scope = next((s for s in ("cluster-wide", "namespace-wide") if annotations.get(ANNOTATION + s) == "true"), "strict")
    bound_to = label(scope, metadata.get("namespace", ""), metadata["name"])
    items = document["spec"]["encryptedData"]
    return {key: decrypt(base64.b64decode(text), private, bound_to) for key, text in items.items()}
