//! What to do with the Secret, once the SealedSecret is open and the live Secret is known.

use sealed_secrets_resource::{ObjectMeta, Secret};

use super::desired;
use super::failure::Failure;
use super::ownership::{self, Ownership};

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// Write a new Secret.
    Create(Secret),
    /// Write over the live one.
    Replace(Secret),
    /// Nothing, it is as it should be.
    Keep,
    /// Nothing, it is not ours.
    Refuse(Failure),
}

/// Decides. `was_synced` says that this very generation was found in sync before. Then
/// - what we created ourselves without owner reference stays ours as long as nothing has to be written (W17),
/// - labels and annotations that others added since are no reason to write (design.md section 4).
pub fn plan(sealed: &ObjectMeta, unsealed: Secret, live: Option<&Secret>, was_synced: bool) -> Plan {
    let Some(live) = live else {
        return Plan::Create(desired::created(unsealed));
    };
    let ownership = ownership::of(&live.metadata, &sealed.uid);
    let wanted = desired::updated(live, unsealed, ownership == Ownership::Merge);
    let differs = match was_synced {
        true => with_additions_of(live, &wanted) != *live,
        false => wanted != *live,
    };
    match ownership {
        Ownership::Refuse if was_synced && !differs => Plan::Keep,
        Ownership::Refuse => Plan::Refuse(Failure::unmanaged(&live.metadata, sealed)),
        Ownership::Overwrite | Ownership::Merge if differs => Plan::Replace(wanted),
        Ownership::Overwrite | Ownership::Merge => Plan::Keep,
    }
}

/// The wanted Secret with the labels and annotations that only the live one has.
pub(super) fn with_additions_of(live: &Secret, wanted: &Secret) -> Secret {
    let mut secret = wanted.clone();
    let metadata = &mut secret.metadata;
    for (ours, theirs) in
        [(&mut metadata.labels, &live.metadata.labels), (&mut metadata.annotations, &live.metadata.annotations)]
    {
        for (name, value) in theirs {
            ours.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    secret
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::super::fixtures::{controlled_by, map, secret, secret_meta};
    use super::*;

    fn sealed() -> ObjectMeta {
        secret_meta("our-uid")
    }

    fn ours(value: &str) -> Secret {
        secret(controlled_by("SealedSecret", "db", "our-uid"), &[("a", value)])
    }

    #[test]
    fn an_absent_secret_is_created_an_equal_one_kept_and_another_one_replaced() {
        assert!(matches!(plan(&sealed(), ours("1"), None, false), Plan::Create(_)));
        assert_eq!(plan(&sealed(), ours("1"), Some(&ours("1")), false), Plan::Keep);
        match plan(&sealed(), ours("2"), Some(&ours("1")), true) {
            Plan::Replace(secret) => assert_eq!(secret.data, ours("2").data),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_foreign_secret_is_refused_even_if_it_holds_what_we_want() {
        let foreign = secret(secret_meta("x"), &[("a", "1")]);
        for value in ["1", "2"] {
            assert!(matches!(plan(&sealed(), ours(value), Some(&foreign), false), Plan::Refuse(_)));
        }
    }

    #[test]
    fn a_secret_that_we_made_without_owner_stays_in_sync_until_it_would_have_to_be_written() {
        let unowned = |value| secret(secret_meta("x"), &[("a", value)]);
        assert_eq!(plan(&sealed(), unowned("1"), Some(&unowned("1")), true), Plan::Keep);
        assert!(matches!(plan(&sealed(), unowned("2"), Some(&unowned("1")), true), Plan::Refuse(_)));
    }

    #[test]
    fn labels_of_others_are_no_reason_to_write_once_in_sync_and_go_with_the_next_write() {
        let mut live = ours("1");
        live.metadata.labels = map(&[("theirs", "x")]);
        assert_eq!(plan(&sealed(), ours("1"), Some(&live), true), Plan::Keep);
        for (value, was_synced) in [("1", false), ("2", true)] {
            match plan(&sealed(), ours(value), Some(&live), was_synced) {
                Plan::Replace(secret) => assert_eq!(secret.metadata.labels, map(&[])),
                other => panic!("{other:?}"),
            }
        }
        let mut wanted = ours("1");
        wanted.metadata.labels = map(&[("theirs", "ours")]);
        assert!(matches!(plan(&sealed(), wanted, Some(&live), true), Plan::Replace(_)), "a label of ours was changed");
    }

    #[test]
    fn adopting_a_managed_secret_writes_even_if_its_data_is_right() {
        let mut managed = secret(secret_meta("x"), &[("a", "1")]);
        managed.metadata.annotations = map(&[("sealedsecrets.bitnami.com/managed", "true")]);
        match plan(&sealed(), ours("1"), Some(&managed), false) {
            Plan::Replace(secret) => assert_eq!(secret.metadata.owner_references.len(), 1),
            other => panic!("{other:?}"),
        }
    }
}
