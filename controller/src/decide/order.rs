//! What a watch has to say and what that means for the queue (spec/controller.md 5.3, 5.4, design.md section 4).

use super::status::{self, is_synced};
use crate::args::StatusConditions;
use crate::object::ObjectKey;
use crate::observed::{Observed, SecretMeta};

/// Changes whenever the meaning of an equal status does; part of every hash.
const INPUTS_VERSION: &str = "2";

/// Whether a SealedSecret has to be looked at because of what a watch delivered. Only the spec and the two scope
/// annotations count: labels, other annotations and status never start work.
pub fn is_changed(before: Option<&Observed>, after: &Observed) -> bool {
    before.is_none_or(|before| before.uid != after.uid || before.digest != after.digest)
}

/// Whether nothing at all has to be done for an object that a start finds (the restart short cut): its status says that
/// this generation was brought in sync from the same inputs, and its Secret is still the one that was left then.
pub fn is_known_in_sync(
    sealed: &Observed,
    secret: Option<&SecretMeta>,
    inputs: &str,
    conditions: StatusConditions,
) -> bool {
    let stored = &sealed.status;
    let (Some(secret), Some(written)) = (secret, &stored.secret) else {
        return false;
    };
    is_synced(stored, sealed.generation)
        && status::has_shape(stored, conditions)
        && stored.inputs == inputs
        && *written.uid == *secret.uid
        && *written.resource_version == *secret.resource_version
}

/// Whether a deleted Secret has to be made again.
///
/// What was ours or had been given to us: yes. Anything else only stood in the way, which matters to a SealedSecret that
/// is not in sync; a Secret that was never ours, or only patched, is not brought back when its user deletes it (W13).
pub fn is_wanted_again(deleted: &SecretMeta, sealed: &Observed) -> bool {
    let ours = deleted.controller.as_deref() == Some(sealed.uid.as_str()) || deleted.managed;
    ours || !is_synced(&sealed.status, sealed.generation)
}

/// Hash of what besides the spec decides the Secret, and of the generation that the spec had: never of plaintext. Stored in
/// `status.inputs`.
pub fn inputs(key: &ObjectKey, sealed: &Observed, accept_deprecated_data: bool) -> String {
    let scope = sealed.scope.annotation().unwrap_or("strict");
    let deprecated = match (sealed.is_deprecated, accept_deprecated_data) {
        (false, _) => "absent",
        (true, true) => "accepted",
        (true, false) => "refused",
    };
    let generation = sealed.generation.to_string();
    let parts = [INPUTS_VERSION, &key.namespace, &key.name, &sealed.uid, &generation, scope, deprecated];
    let lines = parts.map(|part| format!("{part}\n"));
    let lines = lines.each_ref().map(|line| line.as_bytes());
    let hash = sealed_secrets_crypto::sha256(&lines);
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(change: impl Fn(&mut Value)) -> Observed {
        keyed(change).1
    }

    fn keyed(change: impl Fn(&mut Value)) -> (ObjectKey, Observed) {
        let mut value = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": "NS", "name": "db", "uid": "u", "resourceVersion": "5", "generation": 2},
            "spec": {"encryptedData": {"a": "AA=="}},
            "status": {
                "observedGeneration": 2,
                "conditions": [
                    {"type": "Synced", "status": "True", "lastUpdateTime": "2026-11-22T06:13:45Z", "lastTransitionTime": "2026-11-22T06:13:45Z"},
                    {"type": "Ready", "status": "True", "reason": "Unsealed", "lastUpdateTime": "2026-11-22T06:13:45Z", "lastTransitionTime": "2026-11-22T06:13:45Z"},
                ],
                "secret": {"uid": "su", "resourceVersion": "9"},
                "inputs": "h",
            },
        });
        change(&mut value);
        Observed::read(value).unwrap()
    }

    fn secret(uid: &str, resource_version: &str) -> SecretMeta {
        SecretMeta { uid: uid.into(), resource_version: resource_version.into(), controller: None, managed: false }
    }

    #[test]
    fn only_spec_scope_and_identity_start_work() {
        let before = object(|_| {});
        type Edit = fn(&mut Value);
        let cases: [(Edit, bool); 8] = [
            (|_| {}, false),
            (|o| o["metadata"]["labels"] = json!({"x": "y"}), false),
            (|o| o["metadata"]["annotations"] = json!({"x": "y"}), false),
            (|o| o["status"] = json!({}), false),
            (|o| o["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"}), true),
            (|o| o["spec"]["encryptedData"]["a"] = json!("AAAA"), true),
            (|o| o["spec"]["template"] = json!({"type": "x/y"}), true),
            (|o| o["metadata"]["uid"] = json!("other"), true),
        ];
        for (index, (change, want)) in cases.into_iter().enumerate() {
            assert_eq!(is_changed(Some(&before), &object(change)), want, "case {index}");
        }
        assert!(is_changed(None, &before));
    }

    #[test]
    fn a_status_that_proves_everything_saves_the_work() {
        let same = secret("su", "9");
        assert!(is_known_in_sync(&object(|_| {}), Some(&same), "h", StatusConditions::All));
    }

    #[test]
    fn any_missing_proof_costs_the_short_cut() {
        let sound = object(|_| {});
        let all = StatusConditions::All;
        assert!(!is_known_in_sync(&sound, None, "h", all), "Secret missing");
        assert!(!is_known_in_sync(&sound, Some(&secret("su", "10")), "h", all), "Secret written");
        assert!(!is_known_in_sync(&sound, Some(&secret("other", "9")), "h", all), "Secret made anew");
        assert!(!is_known_in_sync(&sound, Some(&secret("su", "9")), "other", all), "other inputs");
        assert!(!is_known_in_sync(&sound, Some(&secret("su", "9")), "h", StatusConditions::Synced));
        let changes: [fn(&mut Value); 4] = [
            |o| o["metadata"]["generation"] = json!(3),
            |o| o["status"]["conditions"][0]["status"] = json!("False"),
            |o| o["status"]["secret"] = Value::Null,
            |o| o["status"] = Value::Null,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert!(!is_known_in_sync(&object(change), Some(&secret("su", "9")), "h", all), "case {index}");
        }
    }

    #[test]
    fn a_deleted_secret_comes_back_if_it_was_ours_or_stood_in_the_way() {
        let in_sync = object(|_| {});
        let failing = object(|o| o["status"]["conditions"][0]["status"] = json!("False"));
        let mut foreign = secret("su", "9");
        assert!(!is_wanted_again(&foreign, &in_sync));
        assert!(is_wanted_again(&foreign, &failing));
        foreign.managed = true;
        assert!(is_wanted_again(&foreign, &in_sync));
        let mut owned = secret("su", "9");
        owned.controller = Some("u".into());
        assert!(is_wanted_again(&owned, &in_sync));
        owned.controller = Some("someone else".into());
        assert!(!is_wanted_again(&owned, &in_sync));
    }

    #[test]
    fn the_hash_of_the_inputs_changes_with_each_of_them_and_with_nothing_else() {
        let of = |change: fn(&mut Value), accept| {
            let (key, observed) = keyed(change);
            inputs(&key, &observed, accept)
        };
        let base = of(|_| {}, true);
        assert_eq!(base.len(), 32);
        assert_eq!(of(|o| o["spec"]["encryptedData"]["a"] = json!("AAAA"), false), base);
        let changes: [fn(&mut Value); 6] = [
            |o| o["metadata"]["generation"] = json!(3),
            |o| o["metadata"]["name"] = json!("other"),
            |o| o["metadata"]["namespace"] = json!("other"),
            |o| o["metadata"]["uid"] = json!("other"),
            |o| o["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/namespace-wide": "true"}),
            |o| o["spec"]["data"] = json!("AA=="),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert_ne!(of(change, true), base, "case {index}");
        }
        let blob: fn(&mut Value) = |o| o["spec"]["data"] = json!("AA==");
        assert_ne!(of(blob, true), of(blob, false));
    }
}
