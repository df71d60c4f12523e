//! Objects for the tables of the tests in this folder.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealed_secrets_resource::{ObjectMeta, OwnerReference, Secret, SecretBytes};

/// `NS/db` with this uid.
pub fn secret_meta(uid: &str) -> ObjectMeta {
    ObjectMeta { namespace: "NS".to_owned(), name: "db".to_owned(), uid: uid.to_owned(), ..ObjectMeta::default() }
}

/// `NS/db` with a controller owner reference.
pub fn controlled_by(kind: &str, name: &str, uid: &str) -> ObjectMeta {
    ObjectMeta {
        owner_references: vec![OwnerReference {
            api_version: "bitnami.com/v1alpha1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
            controller: Some(true),
            block_owner_deletion: None,
        }],
        ..secret_meta("secret-uid")
    }
}

/// Text pairs as a map.
pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// A Secret with these items.
pub fn secret(metadata: ObjectMeta, items: &[(&str, &str)]) -> Secret {
    let bytes = |text: &str| SecretBytes::from(text.as_bytes().to_vec());
    Secret {
        kind: "Secret".to_owned(),
        api_version: "v1".to_owned(),
        metadata,
        data: items.iter().map(|(k, v)| ((*k).to_owned(), bytes(v))).collect(),
        r#type: "Opaque".to_owned(),
        ..Secret::default()
    }
}

/// Seconds after a fixed moment.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap_or_default()
}
