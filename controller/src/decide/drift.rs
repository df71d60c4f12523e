//! What somebody else has changed in a Secret of ours (decision 16).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sealed_secrets_resource::{ObjectMeta, Secret, WrittenSecret};

use super::plan::{Plan, plan, with_additions_of};
use crate::observed::{Observed, SecretMeta};

/// Delay of the second of several heals close together; each further one doubles it. Somebody else may insist.
const SECOND_HEAL: Duration = Duration::from_secs(1);
const LAST_HEAL: Duration = Duration::from_secs(5 * 60);
/// After that much time without a heal the next one is a first one.
pub const PEACE: Duration = Duration::from_secs(10 * 60);

/// Whether the Secret may have been changed by somebody else: it is controlled by the SealedSecret, that one was in sync,
/// and the Secret is not as it was left or last looked at.
pub fn is_change(secret: &SecretMeta, sealed: &Observed, left: Option<&WrittenSecret>, in_sync: bool) -> bool {
    let moved = left.is_some_and(|left| *left.uid == *secret.uid && *left.resource_version != *secret.resource_version);
    moved && in_sync && !sealed.deleting && secret.controller.as_deref() == Some(sealed.uid.as_str())
}

/// What is different, by kind and key and never by value. `None` if nothing has to be written, as for labels and
/// annotations that were only added.
pub fn difference(sealed: &ObjectMeta, unsealed: Secret, live: &Secret) -> Option<String> {
    let Plan::Replace(wanted) = plan(sealed, unsealed, Some(live), true) else {
        return None;
    };
    let wanted = with_additions_of(live, &wanted);
    let (meant, found) = (&wanted.metadata, &live.metadata);
    let mut kinds = Vec::new();
    kinds.extend(keyed("data", &wanted.data, &live.data));
    kinds.extend(keyed("labels", &meant.labels, &found.labels));
    kinds.extend(keyed("annotations", &meant.annotations, &found.annotations));
    let others = [
        ("type", wanted.r#type != live.r#type),
        ("immutable", wanted.immutable != live.immutable),
        ("owner references", meant.owner_references != found.owner_references),
    ];
    kinds.extend(others.into_iter().filter(|(_, differs)| *differs).map(|(kind, _)| kind.to_owned()));
    Some(kinds.join(", "))
}

/// When the change is put right that is the `count`th close together (at least 1).
pub fn heal_after(count: u32) -> Duration {
    match count {
        0 | 1 => Duration::ZERO,
        count => SECOND_HEAL.saturating_mul(1 << (count - 2).min(16)).min(LAST_HEAL),
    }
}

fn keyed<V: PartialEq>(kind: &str, wanted: &BTreeMap<String, V>, live: &BTreeMap<String, V>) -> Option<String> {
    let names: BTreeSet<&String> = wanted.keys().chain(live.keys()).collect();
    let differing: Vec<&str> =
        names.into_iter().filter(|name| wanted.get(*name) != live.get(*name)).map(String::as_str).collect();
    (!differing.is_empty()).then(|| format!("{kind} ({})", differing.join(", ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::{controlled_by, map, secret, secret_meta};
    use super::*;

    fn ours(items: &[(&str, &str)]) -> Secret {
        secret(controlled_by("SealedSecret", "db", "our-uid"), items)
    }

    fn said(change: impl Fn(&mut Secret)) -> Option<String> {
        let mut wanted = ours(&[("a", "s3cret"), ("b", "x")]);
        wanted.metadata.labels = map(&[("app", "shop")]);
        let mut live = wanted.clone();
        change(&mut live);
        difference(&secret_meta("our-uid"), wanted, &live)
    }

    #[test]
    fn a_difference_is_told_by_kind_and_key_and_never_by_value() {
        type Edit = fn(&mut Secret);
        let cases: [(Edit, Option<&str>); 8] = [
            (|_| {}, None),
            (|live| live.data.extend(ours(&[("a", "ch4nged")]).data), Some("data (a)")),
            (|live| drop(live.data.remove("b")), Some("data (b)")),
            (|live| live.data.extend(ours(&[("new", "1")]).data), Some("data (new)")),
            (|live| live.metadata.labels = map(&[("app", "bank"), ("more", "x")]), Some("labels (app)")),
            (|live| live.metadata.labels.extend(map(&[("more", "x")])), None),
            (|live| live.metadata.annotations = map(&[("note", "x")]), None),
            (
                |live| {
                    live.data.clear();
                    live.metadata.labels.clear();
                },
                Some("data (a, b), labels (app)"),
            ),
        ];
        for (index, (change, want)) in cases.into_iter().enumerate() {
            assert_eq!(said(change).as_deref(), want, "case {index}");
        }
    }

    #[test]
    fn only_changes_of_controlled_secrets_of_objects_in_sync_count() {
        let (_, sealed) = Observed::read(json!({
            "metadata": {"namespace": "NS", "name": "db", "uid": "u"}, "spec": {"encryptedData": {}},
        }))
        .unwrap();
        let meta = |controller: &str, uid: &str, version: &str| SecretMeta {
            uid: uid.into(),
            resource_version: version.into(),
            controller: Some(controller.into()),
            managed: false,
        };
        let left = WrittenSecret { uid: "s".to_owned(), resource_version: "7".to_owned() };
        let cases = [
            (meta("u", "s", "8"), Some(&left), true, true),
            (meta("u", "s", "7"), Some(&left), true, false),
            (meta("u", "s", "8"), Some(&left), false, false),
            (meta("other", "s", "8"), Some(&left), true, false),
            (meta("u", "another", "8"), Some(&left), true, false),
            (meta("u", "s", "8"), None, true, false),
        ];
        for (secret, left, in_sync, want) in cases {
            assert_eq!(is_change(&secret, &sealed, left, in_sync), want, "{secret:?} {left:?} {in_sync}");
        }
    }

    #[test]
    fn heals_close_together_come_slower_and_slower() {
        let seconds: Vec<u64> = [1, 2, 3, 4, 40].iter().map(|count| heal_after(*count).as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 300]);
    }
}
