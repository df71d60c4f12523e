//! Objects as tests write and read them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, CertificateProfile, Label, PrivateKey, SystemRandom, seal, self_signed};
use serde_json::{Value, json};

/// An object of the API.
pub type Object = Value;

/// A Secret in plain text, as people feed it to kubeseal.
pub fn secret(namespace: &str, name: &str, items: &[(&str, &str)]) -> Object {
    let items: BTreeMap<&str, &str> = items.iter().copied().collect();
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": items,
    })
}

/// A SealedSecret whose one item, `foo`, no key opens.
pub fn undecryptable(name: &str) -> Object {
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": name},
        "spec": {"encryptedData": {"foo": "AAAA"}},
    })
}

/// Text as the `data` of a Secret holds it.
pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The items of a Secret.
pub fn decoded(secret: &Object) -> BTreeMap<String, String> {
    let items = secret["data"].as_object().into_iter().flatten();
    let text = |value: &Value| String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
    items.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The object without one of its fields.
pub fn without(mut object: Object, parent: &str, field: &str) -> Object {
    object.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    object
}

/// A condition of a SealedSecret.
pub fn condition<'object>(sealed: &'object Object, kind: &str) -> Option<&'object Value> {
    sealed["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// `True`, `False` or `Unknown`; empty when there is no such condition.
pub fn condition_status<'object>(sealed: &'object Object, kind: &str) -> &'object str {
    condition(sealed, kind).and_then(|condition| condition["status"].as_str()).unwrap_or_default()
}

/// What `Synced` says.
pub fn message(sealed: &Object) -> &str {
    condition(sealed, "Synced").and_then(|condition| condition["message"].as_str()).unwrap_or_default()
}

/// Seals one value for one SealedSecret, without kubeseal.
pub fn sealed_value(certificate: &str, namespace: &str, name: &str, plain: &str) -> String {
    let certificate = Certificate::first_from_pem(certificate.as_bytes()).unwrap();
    let label = Label::strict(namespace, name);
    let key = certificate.rsa_public_key().unwrap();
    STANDARD.encode(seal(key, &label, plain.as_bytes(), &mut SystemRandom).unwrap())
}

/// A sealing key of a test's own making.
pub struct KeyPair {
    private: PrivateKey,
    /// Its certificate in PEM.
    pub certificate: String,
}

impl KeyPair {
    /// A new key whose certificate is valid from this time on, which ranks it among others.
    pub fn valid_from(time: &str) -> KeyPair {
        KeyPair::valid_for(time, 100 * 365 * 86_400)
    }

    /// The same with a certificate that ends after so many seconds.
    pub fn valid_for(time: &str, seconds: u64) -> KeyPair {
        let private = PrivateKey::generate(2048).unwrap();
        let profile = CertificateProfile {
            common_name: "test",
            not_before: time.parse::<Timestamp>().unwrap(),
            valid_for: std::time::Duration::from_secs(seconds),
        };
        let certificate = self_signed(&private, &profile, &mut SystemRandom).unwrap().to_pem();
        KeyPair { private, certificate }
    }

    /// The private key in PKCS#1.
    pub fn private_pem(&self) -> String {
        self.private.to_pkcs1_pem().to_string()
    }

    /// A SealedSecret with one item, sealed for this key.
    pub fn sealed_secret(&self, namespace: &str, name: &str, item: &str, plain: &str) -> Object {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"encryptedData": {item: sealed_value(&self.certificate, namespace, name, plain)}, "template": {}},
        })
    }

    /// The Secret that makes the controller use this key.
    pub fn secret(&self, name: &str) -> Object {
        key_secret(name, &self.private_pem(), &self.certificate)
    }
}

/// A labelled key Secret with this content.
pub fn key_secret(name: &str, key: &str, certificates: &str) -> Object {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}},
        "stringData": {"tls.key": key, "tls.crt": certificates},
    })
}
