//! Entries whose templates give another value each time they are rendered: random ones and dates (design.md section 4).

use sealed_secrets_resource::{Secret, Status, Unsealed};

use super::status::is_synced;

/// Whether the Secret was made from the present version of the object, so that its random values are the ones to keep.
///
/// `remembered` says that this process did it. Else the status tells: this generation is in sync, or was before something
/// else failed, since `inputs` are those of the last success and hold the generation.
pub fn is_made(status: &Status, generation: i64, inputs: &str, remembered: bool) -> bool {
    let same_generation = status.observed_generation == Some(generation);
    remembered || is_synced(status, generation) || (same_generation && status.inputs == inputs)
}

/// The Secret to have: with the volatile entries of the live one if `is_made` says so.
pub fn settled(unsealed: Unsealed, live: Option<&Secret>, is_made: bool) -> Secret {
    let Unsealed { mut secret, volatile, .. } = unsealed;
    if let Some(live) = live.filter(|_| is_made) {
        for entry in volatile {
            if let Some(value) = live.data.get(&entry) {
                secret.data.insert(entry, value.clone());
            }
        }
    }
    secret
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sealed_secrets_resource::Condition;

    use super::super::fixtures::{secret, secret_meta};
    use super::*;

    fn status(generation: i64, synced: &str, inputs: &str) -> Status {
        Status {
            observed_generation: Some(generation),
            conditions: vec![Condition {
                r#type: "Synced".to_owned(),
                status: synced.to_owned(),
                ..Condition::default()
            }],
            inputs: inputs.to_owned(),
            ..Status::default()
        }
    }

    #[test]
    fn a_secret_is_made_from_a_generation_once_that_was_in_sync() {
        let cases = [
            (status(2, "True", "h"), false, true),
            (status(2, "True", ""), false, true),
            // It was in sync, and then something failed.
            (status(2, "False", "h"), false, true),
            // The first attempt on this generation failed: the inputs are those of the one before.
            (status(2, "False", "older"), false, false),
            (status(2, "False", ""), false, false),
            (status(1, "True", "h"), false, false),
            (Status::default(), false, false),
            (Status::default(), true, true),
        ];
        for (status, remembered, want) in cases {
            assert_eq!(is_made(&status, 2, "h", remembered), want, "{status:?} {remembered}");
        }
    }

    #[test]
    fn only_volatile_entries_are_taken_from_the_live_secret_and_only_those_it_has() {
        let unsealed = || Unsealed {
            secret: secret(secret_meta("u"), &[("random", "new"), ("lost", "new"), ("plain", "new")]),
            keys: BTreeSet::new(),
            volatile: ["random", "lost"].map(str::to_owned).into(),
        };
        let live = secret(secret_meta("u"), &[("random", "old"), ("plain", "old"), ("theirs", "old")]);
        let kept = secret(secret_meta("u"), &[("random", "old"), ("lost", "new"), ("plain", "new")]);
        assert_eq!(settled(unsealed(), Some(&live), true), kept);
        for (live, is_made) in [(Some(&live), false), (None, true)] {
            assert_eq!(settled(unsealed(), live, is_made), unsealed().secret);
        }
    }
}
