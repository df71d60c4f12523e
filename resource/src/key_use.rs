//! Which keys a SealedSecret needs, as far as it can be told without opening it.

use std::collections::BTreeSet;

use sealed_secrets_crypto::Fingerprint;

use crate::sealed_secret::SealedSecret;

/// The keys that a SealedSecret is known to need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Every key that the record or the status names.
    pub keys: BTreeSet<Fingerprint>,
    /// Whether these are all. If not, any other key may be needed as well.
    pub complete: bool,
}

/// The keys of an object of the cluster: what the controller wrote after it had opened this very generation, and the
/// record beside the items. Both count, so that a wrong record only ever keeps a key.
#[must_use]
pub fn keys_of_object(sealed: &SealedSecret) -> KeyUse {
    let mut known = keys_of_file(sealed);
    let Some(status) = sealed.status.as_ref().filter(|status| !status.sealed_with.is_empty()) else { return known };
    let generation = sealed.metadata.generation;
    let is_synced = status.conditions.iter().any(|one| one.r#type == "Synced" && one.status == "True");
    let named: Vec<Option<Fingerprint>> = status.sealed_with.iter().map(|text| text.parse().ok()).collect();
    if is_synced && generation.is_some() && status.observed_generation == generation && !named.contains(&None) {
        known.complete = true;
    }
    known.keys.extend(named.into_iter().flatten());
    known
}

/// The keys of an object of a file: by the record alone, because a status in a file proves nothing about its items.
#[must_use]
pub fn keys_of_file(sealed: &SealedSecret) -> KeyUse {
    let recorded = sealed.recorded_keys();
    let of_items: Vec<Option<Fingerprint>> = sealed.spec.encrypted_data.keys().map(|item| recorded.of(item)).collect();
    // The deprecated form is one envelope, which has no name that could be recorded.
    let complete = sealed.spec.data.is_none() && !of_items.contains(&None);
    KeyUse { keys: of_items.into_iter().flatten().collect(), complete }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const A: &str = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";
    const B: &str = "SHA256:f8gTXjO+stWO5k/7r4FTwNEmsDTovyLTzajvCubDVOU";

    fn found(record: &str, items: &[&str], status: serde_json::Value) -> (Vec<String>, bool) {
        let items: serde_json::Map<_, _> = items.iter().map(|item| ((*item).to_owned(), json!("AAAA"))).collect();
        let object = json!({
            "metadata": {"name": "db", "generation": 2,
                "annotations": {"sealedsecrets.bitnami.com/sealed-with": record}},
            "spec": {"encryptedData": items}, "status": status,
        });
        let used = keys_of_object(&SealedSecret::from_json(&object).unwrap());
        (used.keys.iter().map(ToString::to_string).collect(), used.complete)
    }

    fn status(generation: i64, synced: &str, keys: &[&str]) -> serde_json::Value {
        json!({"observedGeneration": generation, "sealedWith": keys,
            "conditions": [{"type": "Synced", "status": synced}]})
    }

    #[test]
    fn use_is_known_by_a_status_of_this_generation_or_by_a_whole_record() {
        let part = format!("x={A}");
        let none = json!({});
        for (record, items, status, keys, complete) in [
            ("", &["x"][..], none.clone(), &[][..], false),
            (A, &["x", "y"], none.clone(), &[A], true),
            (&part, &["x", "y"], none.clone(), &[A], false),
            (&part, &["x"], none.clone(), &[A], true),
            ("rubbish", &["x"], none.clone(), &[], false),
            ("", &[], none.clone(), &[], true),
            ("", &["x"], status(2, "True", &[B]), &[B], true),
            ("", &["x"], status(1, "True", &[B]), &[B], false),
            ("", &["x"], status(2, "False", &[B]), &[B], false),
            ("", &["x"], status(2, "True", &["rubbish"]), &[], false),
            ("", &["x"], status(2, "True", &[]), &[], false),
            (A, &["x"], status(2, "True", &[B]), &[B, A], true),
            (&part, &["x", "y"], status(1, "True", &[B]), &[B, A], false),
        ] {
            let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            keys.sort_by_key(|key| key.parse::<Fingerprint>().unwrap());
            assert_eq!(found(record, items, status.clone()), (keys, complete), "{record} {items:?} {status}");
        }
    }

    #[test]
    fn the_deprecated_form_tells_nothing_by_itself() {
        let object = json!({"metadata": {"annotations": {"sealedsecrets.bitnami.com/sealed-with": A}}, "spec": {"data": "AAAA"}});
        assert!(!keys_of_file(&SealedSecret::from_json(&object).unwrap()).complete);
    }
}
