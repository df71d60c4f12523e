//! What is said about a file, with keys and without.

#![allow(clippy::unwrap_used, clippy::panic)]

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, KeyRing, Label, PrivateKey, PublicKey, SealingKey, SystemRandom};
use sealed_secrets_resource::{KeyFound, Scope, inspect, seal_value};

fn key() -> PublicKey {
    let certificate = Certificate::first_from_pem(include_bytes!("data/b.crt")).unwrap();
    certificate.rsa_public_key().unwrap().clone()
}

fn ring() -> KeyRing {
    let pems: [&[u8]; 2] = [include_bytes!("data/appendix-a.key"), include_bytes!("data/b.key")];
    let key = |pem| SealingKey::unpublished(PrivateKey::from_pem(pem).unwrap(), Timestamp::UNIX_EPOCH);
    KeyRing::new(pems.map(key).to_vec())
}

#[test]
fn sizes_scopes_keys_and_problems_are_told() {
    let label = Label::namespace_wide("shop");
    let good = seal_value(&key(), &label, b"s3cret", &mut SystemRandom).unwrap();
    let text = format!(
        "kind: ConfigMap\n---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  annotations:\n    \
         sealedsecrets.bitnami.com/namespace-wide: 'true'\n    sealedsecrets.bitnami.com/sealed-with: {}\nspec:\n  encryptedData:\n    good: {good}\n    moved: {}\n    \
         torn: {}\n  template:\n    type: x/y\n    immutable: true\n    data: {{url: '{{{{ .good }}}}'}}\n",
        key().fingerprint(),
        seal_value(&key(), &Label::namespace_wide("other"), b"", &mut SystemRandom).unwrap(),
        &good[..100],
    );
    for (ring, opens, not) in [
        (KeyRing::default(), KeyFound::NotTried, KeyFound::NotTried),
        (ring(), KeyFound::Opens(key().fingerprint()), KeyFound::None),
    ] {
        let objects = inspect(text.as_bytes(), Some("shop"), &ring).unwrap();
        let [object] = objects.as_slice() else { panic!("{objects:?}") };
        assert_eq!((object.line, object.namespace.as_str(), object.name.as_str()), (3, "shop", "db"));
        assert_eq!((object.scope, object.secret_type.as_str(), object.immutable), (Scope::NamespaceWide, "x/y", true));
        assert_eq!((object.templates.as_slice(), object.deprecated), (&["url".to_owned()][..], false));
        let items: Vec<_> = object
            .items
            .iter()
            .map(|item| {
                (item.name.as_str(), item.envelope.as_ref().map(|facts| (facts.value_bytes, facts.key_bits)), item.key)
            })
            .collect();
        assert_eq!(items, [("good", Some((6, 2048)), opens), ("moved", Some((0, 2048)), not), ("torn", None, not)]);
        assert!(object.items.iter().all(|item| item.recorded == Some(key().fingerprint())));
        let problems: Vec<String> = object.findings.iter().map(ToString::to_string).collect();
        assert!(
            problems.len() == 1 && problems[0].starts_with("error[envelope]: db, item torn: is cut off"),
            "{problems:?}"
        );
        assert!(!format!("{objects:?}").contains("s3cret"));
    }
}

#[test]
fn what_cannot_be_decoded_is_a_finding_and_the_rest_is_told() {
    let text = "kind: List\nitems:\n- {kind: SealedSecret, metadata: [x]}\n- {kind: SealedSecret, metadata: {name: b}, spec: {data: AQ==}}\n";
    let objects = inspect(text.as_bytes(), None, &KeyRing::default()).unwrap();
    assert_eq!(objects.len(), 2);
    assert!(objects[0].findings[0].to_string().contains("metadata must be a map"), "{:?}", objects[0].findings);
    assert!(objects[1].deprecated && objects[1].items[0].name == "spec.data");
    assert!(inspect(b"a: [", None, &KeyRing::default()).is_err());
}
