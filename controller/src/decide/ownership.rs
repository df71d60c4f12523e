//! May we overwrite this Secret? (spec/controller.md 6.4)
//!
//! The attack this stands against: whoever may create SealedSecrets, but not change Secrets, names one after a Secret of
//! somebody else and would have it replaced.

use sealed_secrets_resource::ObjectMeta;
use sealed_secrets_resource::annotation::{MANAGED, PATCH, is_true};

/// What may be done with a Secret that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It is ours, or was given to us: its content is replaced.
    Overwrite,
    /// It was opened to us for additions: our keys are set, the others stay.
    Merge,
    /// Hands off.
    Refuse,
}

/// Decides by the live Secret alone; what the SealedSecret's template says about it does not count.
pub fn of(live: &ObjectMeta, sealed_uid: &str) -> Ownership {
    if is_true(&live.annotations, PATCH) {
        Ownership::Merge
    } else if is_controlled(live, sealed_uid) || is_true(&live.annotations, MANAGED) {
        Ownership::Overwrite
    } else {
        Ownership::Refuse
    }
}

/// Whether an owner reference with `controller: true` names this uid.
pub fn is_controlled(live: &ObjectMeta, sealed_uid: &str) -> bool {
    !sealed_uid.is_empty()
        && live.owner_references.iter().any(|owner| owner.controller == Some(true) && owner.uid == sealed_uid)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{controlled_by, map, secret_meta};
    use super::*;

    #[test]
    fn the_table_of_the_reference() {
        use Ownership::{Merge, Overwrite, Refuse};
        let cases = [
            (false, None, None, Refuse),
            (true, None, None, Overwrite),
            (true, Some("true"), None, Overwrite),
            (false, Some("true"), None, Overwrite),
            (false, None, Some("true"), Merge),
            (true, None, Some("true"), Merge),
            (false, Some("true"), Some("true"), Merge),
            (true, Some("true"), Some("true"), Merge),
            (false, Some("TRUE"), None, Refuse),
            (false, Some("false"), None, Refuse),
            (false, Some(""), None, Refuse),
            (false, None, Some("TRUE"), Refuse),
            (true, None, Some("1"), Overwrite),
        ];
        for (controlled, managed, patch, want) in cases {
            let mut live = match controlled {
                true => controlled_by("SealedSecret", "db", "our-uid"),
                false => secret_meta("x"),
            };
            if let Some(value) = managed {
                live.annotations.extend(map(&[(MANAGED, value)]));
            }
            if let Some(value) = patch {
                live.annotations.extend(map(&[(PATCH, value)]));
            }
            assert_eq!(of(&live, "our-uid"), want, "{controlled} {managed:?} {patch:?}");
        }
    }

    #[test]
    fn only_a_controller_reference_with_our_uid_makes_it_ours() {
        let mut live = controlled_by("SealedSecret", "db", "other-uid");
        assert_eq!(of(&live, "our-uid"), Ownership::Refuse);
        live.owner_references[0].uid = "our-uid".to_owned();
        for controller in [None, Some(false)] {
            live.owner_references[0].controller = controller;
            assert_eq!(of(&live, "our-uid"), Ownership::Refuse, "{controller:?}");
        }
        live.owner_references[0].controller = Some(true);
        live.owner_references[0].uid = String::new();
        assert_eq!(of(&live, ""), Ownership::Refuse, "an absent uid proves nothing");
    }
}
