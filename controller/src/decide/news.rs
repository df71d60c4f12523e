//! Whether an outcome is worth an event, a log line at full level and a counted error (spec/controller.md 8, W10, W38).

use sealed_secrets_resource::Status;

use super::failure::Failure;
use super::status::{Success, synced};

/// What was last said about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The generation it was said of.
    pub generation: i64,
    /// The failure's message, or `None` for success.
    pub failure: Option<String>,
}

impl Said {
    /// What an outcome says.
    pub fn by(outcome: Result<&Success, &Failure>, generation: i64) -> Said {
        Said { generation, failure: outcome.err().map(|failure| failure.message.clone()) }
    }

    /// What the stored status says, where it says anything definite.
    pub fn in_status(status: &Status) -> Option<Said> {
        let condition = synced(status)?;
        let failure = match condition.status.as_str() {
            "True" => None,
            "False" => Some(condition.message.clone()),
            _ => return None,
        };
        Some(Said { generation: status.observed_generation.unwrap_or_default(), failure })
    }
}

/// Whether to send an event.
///
/// `before` is what was said last, in this process or in the stored status. `first_look` says that nothing is known
/// because the process has just started and keeps no status: then an object found in order is no news.
pub fn is_event(before: Option<&Said>, outcome: Result<&Success, &Failure>, generation: i64, first_look: bool) -> bool {
    match (before, outcome) {
        (_, Ok(success)) if success.wrote => true,
        (None, Ok(_)) => !first_look,
        (None, Err(_)) => true,
        (Some(before), outcome) => *before != Said::by(outcome, generation),
    }
}

#[cfg(test)]
mod tests {
    use sealed_secrets_resource::{Condition, Scope, UnsealError, WrittenSecret};

    use super::*;
    use crate::object::ObjectKey;

    fn success(wrote: bool) -> Success {
        Success { sealed_with: Vec::new(), secret: WrittenSecret::default(), inputs: String::new(), wrote }
    }

    fn said(generation: i64, failure: Option<&str>) -> Said {
        Said { generation, failure: failure.map(str::to_owned) }
    }

    #[test]
    fn an_event_is_sent_for_a_new_message_a_new_generation_or_a_write() {
        let no_key = Failure::unseal(&UnsealError::NoKey, &ObjectKey::new("NS", "db"), Scope::Strict);
        let message = no_key.message.as_str();
        let (found, written) = (success(false), success(true));
        let cases = [
            (None, Err(&no_key), true),
            (Some(said(1, Some(message))), Err(&no_key), false),
            (Some(said(1, Some("other"))), Err(&no_key), true),
            (Some(said(0, Some(message))), Err(&no_key), true),
            (Some(said(1, None)), Err(&no_key), true),
            (None, Ok(&found), true),
            (Some(said(1, None)), Ok(&found), false),
            (Some(said(1, None)), Ok(&written), true),
            (Some(said(0, None)), Ok(&found), true),
            (Some(said(1, Some(message))), Ok(&found), true),
        ];
        for (before, outcome, want) in cases {
            assert_eq!(is_event(before.as_ref(), outcome, 1, false), want, "{before:?} {outcome:?}");
        }
    }

    #[test]
    fn a_restart_without_stored_status_is_silent_about_what_is_in_order() {
        assert!(!is_event(None, Ok(&success(false)), 1, true));
        assert!(is_event(None, Ok(&success(true)), 1, true));
    }

    #[test]
    fn a_stored_status_counts_as_said() {
        let status = |status: &str, message: &str| Status {
            observed_generation: Some(3),
            conditions: vec![Condition {
                r#type: "Synced".to_owned(),
                status: status.to_owned(),
                message: message.to_owned(),
                ..Condition::default()
            }],
            ..Status::default()
        };
        assert_eq!(Said::in_status(&status("True", "")), Some(said(3, None)));
        assert_eq!(Said::in_status(&status("False", "m")), Some(said(3, Some("m"))));
        assert_eq!(Said::in_status(&status("Unknown", "")), None);
        assert_eq!(Said::in_status(&Status::default()), None);
    }
}
