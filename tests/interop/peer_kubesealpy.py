"""The package kubesealpy: whole SealedSecrets, with labels, annotations and documents of its own making."""

import tempfile

from kubesealpy import SealedSecret, Sealer, SealingScope, Unsealer


def seal_document(certificate, scope, namespace, name, items):
    sealer = Sealer.from_certificate_pem(certificate)
    return sealer.seal(name, namespace, items, SealingScope(scope)).to_yaml()


def open_document(private_key, document):
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(private_key)
        file.flush()
        unsealer = Unsealer.from_private_key_file(file.name)
    return unsealer.unseal(SealedSecret.from_yaml(document)).get_data_decoded()
