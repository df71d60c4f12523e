//! What the status of a SealedSecret should say, and whether that has to be written (spec/controller.md 9, decision 28).

use jiff::Timestamp;
use sealed_secrets_resource::{Condition, Status, WrittenSecret};

use super::failure::Failure;
use super::retry::Kind;
use crate::args::StatusConditions;

/// Always the first condition: printer columns and Argo CD read it.
pub const SYNCED: &str = "Synced";
/// What kstatus and `kubectl wait` look at.
pub const READY: &str = "Ready";
/// Present, and then `True`, only while a change by a person is needed.
pub const STALLED: &str = "Stalled";

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// A successful attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// Fingerprints of the keys that opened the items, sorted.
    pub sealed_with: Vec<String>,
    /// The Secret as it is now.
    pub secret: WrittenSecret,
    /// Hash of what besides the spec decided the result.
    pub inputs: String,
    /// Whether the Secret was created or written.
    pub wrote: bool,
}

/// What is written into statuses at all.
#[derive(Clone, Copy, Debug)]
pub struct StatusOptions {
    /// `--status-conditions`.
    pub conditions: StatusConditions,
    /// What the schema does to our own fields.
    pub own_fields: OwnFields,
}

/// What the schema of the cluster does to the status fields that are ours (design.md section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnFields {
    /// Nothing is known yet: they are sent along with other changes, and their absence alone is no reason to write.
    Unknown,
    /// It keeps them: they are seen in some status.
    Kept,
    /// It drops them, as the reference's does: they are neither sent nor missed.
    Dropped,
}

/// The status after an attempt on `generation`, or `None` if the present one says the same.
pub fn after(
    current: &Status,
    generation: i64,
    outcome: Result<&Success, &Failure>,
    options: StatusOptions,
    now: Timestamp,
) -> Option<Status> {
    let wanted = conditions_of(outcome);
    let mut next = with_conditions(current, &wanted, options.conditions, now);
    next.observed_generation = Some(generation);
    if options.own_fields == OwnFields::Dropped {
        next.sealed_with.clear();
        next.secret = None;
        next.inputs.clear();
    } else if let Ok(success) = outcome {
        next.sealed_with.clone_from(&success.sealed_with);
        next.secret = Some(success.secret.clone());
        next.inputs.clone_from(&success.inputs);
    }
    (!says_the_same(current, &next, options.own_fields)).then_some(next)
}

/// The status of an object whose change to `generation` has not been attempted to the end yet, if the present one still
/// claims the old success for it (decision 29). `observedGeneration` stays behind.
pub fn pending(current: &Status, generation: i64, options: StatusOptions, now: Timestamp) -> Option<Status> {
    // A later change may be done already; then this one is, too.
    let behind = current.observed_generation.is_none_or(|observed| observed < generation);
    (behind && synced(current)?.status == TRUE).then(|| {
        let wanted = [wanted(SYNCED, UNKNOWN, "", ""), wanted(READY, FALSE, "Pending", "")];
        with_conditions(current, &wanted, options.conditions, now)
    })
}

/// The `Synced` condition.
pub fn synced(status: &Status) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.r#type == SYNCED)
}

/// Whether the status says that this generation is in sync.
pub fn is_synced(status: &Status, generation: i64) -> bool {
    status.observed_generation == Some(generation) && synced(status).is_some_and(|condition| condition.status == TRUE)
}

/// Whether the conditions of an object in sync are those that `--status-conditions` asks for.
pub fn has_shape(status: &Status, conditions: StatusConditions) -> bool {
    let of = |name: &str| status.conditions.iter().find(|condition| condition.r#type == name);
    let ready = of(READY).map(|condition| condition.status.as_str());
    of(STALLED).is_none()
        && match conditions {
            StatusConditions::All => ready == Some(TRUE),
            StatusConditions::Synced => ready.is_none(),
        }
}

/// A condition without its times.
fn wanted(name: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        r#type: name.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        ..Condition::default()
    }
}

fn conditions_of(outcome: Result<&Success, &Failure>) -> Vec<Condition> {
    match outcome {
        Ok(_) => vec![wanted(SYNCED, TRUE, "", ""), wanted(READY, TRUE, "Unsealed", "")],
        Err(failure) => {
            let reason = failure.reason.word();
            let explained = format!("{}; {}", failure.message, failure.advice);
            let mut conditions =
                vec![wanted(SYNCED, FALSE, "", &failure.message), wanted(READY, FALSE, reason, &explained)];
            if failure.kind != Kind::Transient {
                conditions.push(wanted(STALLED, TRUE, reason, &explained));
            }
            conditions
        }
    }
}

/// Puts our conditions first and keeps foreign ones behind them.
fn with_conditions(current: &Status, wanted: &[Condition], shape: StatusConditions, now: Timestamp) -> Status {
    let ours = wanted.iter().filter(|condition| shape == StatusConditions::All || condition.r#type == SYNCED).map(
        |condition| {
            let before = current.conditions.iter().find(|before| before.r#type == condition.r#type);
            let unmoved = before
                .filter(|before| before.status == condition.status)
                .and_then(|before| before.last_transition_time);
            Condition {
                last_update_time: Some(now),
                last_transition_time: Some(unmoved.unwrap_or(now)),
                ..condition.clone()
            }
        },
    );
    let foreign = current.conditions.iter().filter(|condition| !is_ours(condition)).cloned();
    Status { conditions: ours.chain(foreign).collect(), ..current.clone() }
}

fn is_ours(condition: &Condition) -> bool {
    [SYNCED, READY, STALLED].contains(&condition.r#type.as_str())
}

/// Compares all but the times, which change with every write.
fn says_the_same(current: &Status, next: &Status, own_fields: OwnFields) -> bool {
    let ours = |status: &Status| -> Vec<(String, String, String, String)> {
        let ours = status.conditions.iter().filter(|condition| is_ours(condition)).cloned();
        ours.map(|condition| (condition.r#type, condition.status, condition.reason, condition.message)).collect()
    };
    let compares_own = match own_fields {
        OwnFields::Unknown => !current.inputs.is_empty(),
        OwnFields::Kept => true,
        OwnFields::Dropped => false,
    };
    let dated =
        |condition: &Condition| condition.last_update_time.is_some() && condition.last_transition_time.is_some();
    let own = |status: &Status| (status.sealed_with.clone(), status.secret.clone(), status.inputs.clone());
    current.observed_generation == next.observed_generation
        && ours(current) == ours(next)
        && current.conditions.iter().filter(|condition| is_ours(condition)).all(dated)
        && (!compares_own || own(current) == own(next))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sealed_secrets_resource::{Scope, UnsealError};

    use super::super::fixtures::at;
    use super::*;
    use crate::api::ApiError;
    use crate::object::ObjectKey;

    const ALL: StatusOptions = StatusOptions { conditions: StatusConditions::All, own_fields: OwnFields::Kept };
    const SYNCED_ONLY: StatusOptions =
        StatusOptions { conditions: StatusConditions::Synced, own_fields: OwnFields::Kept };

    fn success() -> Success {
        Success {
            sealed_with: vec!["SHA256:k".to_owned()],
            secret: WrittenSecret { uid: "u".to_owned(), resource_version: "7".to_owned() },
            inputs: "h".to_owned(),
            wrote: true,
        }
    }

    fn stalled() -> Failure {
        Failure::unseal(&UnsealError::NoKey, &ObjectKey::new("NS", "db"), Scope::Strict)
    }

    fn transient() -> Failure {
        Failure::secret(&ApiError::NoAnswer("no answer".to_owned()), &ObjectKey::new("NS", "db"))
    }

    fn summary(status: &Status) -> Vec<String> {
        let line = |c: &Condition| format!("{}={} {}", c.r#type, c.status, c.reason).trim_end().to_owned();
        status.conditions.iter().map(line).collect()
    }

    #[test]
    fn every_outcome_has_the_conditions_of_the_table() {
        let (good, stuck, passing) = (success(), stalled(), transient());
        let cases: [(Result<&Success, &Failure>, &[&str]); 3] = [
            (Ok(&good), &["Synced=True", "Ready=True Unsealed"]),
            (Err(&stuck), &["Synced=False", "Ready=False ErrUnsealFailed", "Stalled=True ErrUnsealFailed"]),
            (Err(&passing), &["Synced=False", "Ready=False ErrUpdateFailed"]),
        ];
        for (outcome, want) in cases {
            let status = after(&Status::default(), 1, outcome, ALL, at(0)).unwrap();
            assert_eq!(summary(&status), want);
            assert_eq!(status.observed_generation, Some(1));
            let reduced = after(&Status::default(), 1, outcome, SYNCED_ONLY, at(0)).unwrap();
            assert_eq!(summary(&reduced), want[..1]);
        }
    }

    #[test]
    fn the_first_status_has_both_times_equal_and_no_message_on_success() {
        let status = after(&Status::default(), 1, Ok(&success()), ALL, at(5)).unwrap();
        for condition in &status.conditions {
            assert_eq!((condition.last_update_time, condition.last_transition_time), (Some(at(5)), Some(at(5))));
        }
        assert_eq!(status.conditions[0].message, "");
    }

    #[test]
    fn nothing_is_written_when_nothing_is_new() {
        for outcome in [Ok(&success()), Err(&stalled()), Err(&transient())] {
            let status = after(&Status::default(), 1, outcome, ALL, at(0)).unwrap();
            assert_eq!(after(&status, 1, outcome, ALL, at(60)), None);
        }
    }

    #[test]
    fn a_new_generation_moves_the_update_time_only() {
        let first = after(&Status::default(), 1, Ok(&success()), ALL, at(0)).unwrap();
        let second = after(&first, 2, Ok(&success()), ALL, at(9)).unwrap();
        assert_eq!(second.observed_generation, Some(2));
        assert_eq!(second.conditions[0].last_update_time, Some(at(9)));
        assert_eq!(second.conditions[0].last_transition_time, Some(at(0)));
    }

    #[test]
    fn a_change_of_the_outcome_moves_both_times_and_takes_stalled_away() {
        let failed = after(&Status::default(), 1, Err(&stalled()), ALL, at(0)).unwrap();
        let mended = after(&failed, 1, Ok(&success()), ALL, at(9)).unwrap();
        assert_eq!(summary(&mended), ["Synced=True", "Ready=True Unsealed"]);
        assert_eq!(mended.conditions[0].last_transition_time, Some(at(9)));
        let broken = after(&mended, 1, Err(&stalled()), ALL, at(20)).unwrap();
        assert_eq!(broken.conditions[0].last_transition_time, Some(at(20)));
        assert_eq!(broken.conditions[0].message, "no key could decrypt secret");
        assert!(broken.conditions[1].message.starts_with("no key could decrypt secret; "));
    }

    #[test]
    fn another_message_of_the_same_failure_is_written() {
        let first = after(&Status::default(), 1, Err(&stalled()), ALL, at(0)).unwrap();
        let mut other = stalled();
        other.message = "something else".to_owned();
        let second = after(&first, 1, Err(&other), ALL, at(9)).unwrap();
        assert_eq!(second.conditions[0].message, "something else");
        assert_eq!(second.conditions[0].last_transition_time, Some(at(0)));
    }

    #[test]
    fn foreign_conditions_are_kept_after_ours_and_do_not_cause_writes() {
        let foreign = Condition {
            last_update_time: Some(at(0)),
            last_transition_time: Some(at(0)),
            ..wanted("Audited", TRUE, "x", "y")
        };
        let before = Status { conditions: vec![foreign.clone()], ..Status::default() };
        let status = after(&before, 1, Ok(&success()), ALL, at(5)).unwrap();
        assert_eq!(summary(&status), ["Synced=True", "Ready=True Unsealed", "Audited=True x"]);
        assert_eq!(status.conditions[2], foreign);
        assert_eq!(after(&status, 1, Ok(&success()), ALL, at(9)), None);
    }

    #[test]
    fn an_odd_condition_without_times_or_doubled_is_put_right() {
        let before = Status {
            observed_generation: Some(1),
            conditions: vec![wanted(SYNCED, TRUE, "", ""), wanted(SYNCED, FALSE, "", "x")],
            ..Status::default()
        };
        let status = after(&before, 1, Ok(&success()), SYNCED_ONLY, at(5)).unwrap();
        assert_eq!(summary(&status), ["Synced=True"]);
        assert_eq!(status.conditions[0].last_transition_time, Some(at(5)));
    }

    #[test]
    fn the_reduced_form_takes_our_other_conditions_away_once() {
        let full = after(&Status::default(), 1, Err(&stalled()), ALL, at(0)).unwrap();
        let reduced = after(&full, 1, Err(&stalled()), SYNCED_ONLY, at(5)).unwrap();
        assert_eq!(summary(&reduced), ["Synced=False"]);
        assert_eq!(after(&reduced, 1, Err(&stalled()), SYNCED_ONLY, at(9)), None);
    }

    #[test]
    fn what_proves_a_success_is_stored_and_survives_a_failure() {
        let good = after(&Status::default(), 1, Ok(&success()), ALL, at(0)).unwrap();
        assert_eq!(good.secret, Some(success().secret));
        assert_eq!((good.inputs.as_str(), good.sealed_with.len()), ("h", 1));
        let failed = after(&good, 2, Err(&transient()), ALL, at(5)).unwrap();
        assert_eq!(failed.secret, good.secret);
    }

    #[test]
    fn a_moved_resource_version_alone_is_worth_one_write() {
        let good = after(&Status::default(), 1, Ok(&success()), ALL, at(0)).unwrap();
        let mut moved = success();
        moved.secret.resource_version = "8".to_owned();
        let next = after(&good, 1, Ok(&moved), ALL, at(5)).unwrap();
        assert_eq!(next.secret, Some(moved.secret.clone()));
        assert_eq!(after(&next, 1, Ok(&moved), ALL, at(6)), None);
    }

    #[test]
    fn fields_that_the_schema_drops_are_neither_sent_nor_missed() {
        let options = StatusOptions { own_fields: OwnFields::Dropped, ..ALL };
        let status = after(&Status::default(), 1, Ok(&success()), options, at(0)).unwrap();
        assert_eq!((status.secret.is_none(), status.inputs.as_str()), (true, ""));
        assert_eq!(after(&status, 1, Ok(&success()), options, at(5)), None);
    }

    #[test]
    fn before_the_schema_is_known_missing_fields_alone_are_no_reason_to_write() {
        let unknown = StatusOptions { own_fields: OwnFields::Unknown, ..ALL };
        let dropped = StatusOptions { own_fields: OwnFields::Dropped, ..ALL };
        let bare = after(&Status::default(), 1, Ok(&success()), dropped, at(0)).unwrap();
        assert_eq!(after(&bare, 1, Ok(&success()), unknown, at(5)), None);
        assert!(after(&bare, 1, Ok(&success()), ALL, at(5)).is_some());
        let next = after(&bare, 2, Ok(&success()), unknown, at(5)).unwrap();
        assert_eq!(next.inputs, "h", "sent along, so that the answer tells");
        let mut moved = success();
        moved.secret.resource_version = "8".to_owned();
        assert!(after(&next, 2, Ok(&moved), unknown, at(6)).is_some(), "they are there, so they are kept");
    }

    #[test]
    fn the_pending_state_replaces_an_old_success_and_nothing_else() {
        let good = after(&Status::default(), 1, Ok(&success()), ALL, at(0)).unwrap();
        let status = pending(&good, 2, ALL, at(5)).unwrap();
        assert_eq!(summary(&status), ["Synced=Unknown", "Ready=False Pending"]);
        assert_eq!(status.observed_generation, Some(1));
        assert_eq!(pending(&status, 2, ALL, at(6)), None);
        assert_eq!(pending(&good, 1, ALL, at(5)), None, "nothing has changed");
        let later = after(&good, 3, Ok(&success()), ALL, at(2)).unwrap();
        assert_eq!(pending(&later, 2, ALL, at(5)), None, "the change was overtaken by one that is done");
        let failed = after(&Status::default(), 1, Err(&stalled()), ALL, at(0)).unwrap();
        assert_eq!(pending(&failed, 2, ALL, at(5)), None);
        assert_eq!(pending(&Status::default(), 1, ALL, at(5)), None);
    }

    #[test]
    fn the_shape_of_a_status_in_sync_follows_the_flag() {
        let full = after(&Status::default(), 1, Ok(&success()), ALL, at(0)).unwrap();
        let reduced = after(&Status::default(), 1, Ok(&success()), SYNCED_ONLY, at(0)).unwrap();
        assert!(has_shape(&full, StatusConditions::All) && !has_shape(&full, StatusConditions::Synced));
        assert!(has_shape(&reduced, StatusConditions::Synced) && !has_shape(&reduced, StatusConditions::All));
        assert!(is_synced(&full, 1) && !is_synced(&full, 2));
    }
}
