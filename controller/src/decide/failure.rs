//! How an attempt failed: one stable reason, the text people see, and whether trying again can help.

use sealed_secrets_resource::{ObjectMeta, Scope, UnsealError};

use super::cause::Cause;
use super::retry::Kind;
use crate::api::ApiError;
use crate::metrics::ErrorReason;
use crate::object::ObjectKey;

/// End of the message with which the API server refuses to change an immutable Secret.
const IMMUTABLE: &str = "field is immutable when `immutable` is set";

/// The word that events and conditions share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The content cannot be opened.
    ErrUnsealFailed,
    /// The Secret cannot be written.
    ErrUpdateFailed,
}

impl Reason {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Reason::ErrUnsealFailed => "ErrUnsealFailed",
            Reason::ErrUpdateFailed => "ErrUpdateFailed",
        }
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For events and conditions.
    pub reason: Reason,
    /// For `unseal_errors_total`.
    pub metric: ErrorReason,
    /// Message of `Synced` and of the log: the reference's words.
    pub message: String,
    /// Message of the event: the reference's words.
    pub event: String,
    /// Likely cause and what to do, for `Ready` and `Stalled`.
    pub advice: String,
    /// What it takes to get better.
    pub kind: Kind,
    /// Whether a key that arrives may help.
    pub waits_for_key: bool,
    /// Whether nobody needs to hear of it: it is part of something that was wanted.
    pub is_quiet: bool,
}

impl Failure {
    /// The content cannot be opened.
    pub fn unseal(error: &UnsealError, key: &ObjectKey, scope: Scope) -> Failure {
        let advice = match error {
            error if error.is_unopened() => {
                let bound = match scope {
                    Scope::Strict => format!("namespace {} and name {}", key.namespace, key.name),
                    Scope::NamespaceWide => format!("namespace {}", key.namespace),
                    Scope::ClusterWide => "any namespace and name".to_owned(),
                };
                format!(
                    "its scope makes it openable for {bound}; it may have been sealed for another one, for another \
                     cluster, or with a key that this controller does not hold"
                )
            }
            UnsealError::DeprecatedData | UnsealError::BothForms => "seal it again with a current kubeseal".to_owned(),
            error if error.is_past_a_bound() => {
                "a template has to do with less: output, loops, nesting, values or slow functions".to_owned()
            }
            UnsealError::Items(_) => "correct the entries of spec.template.data that are named".to_owned(),
            _ => "correct the SealedSecret".to_owned(),
        };
        let failure = Failure::unopened(error.to_string(), advice);
        let kind = if error.is_past_a_bound() { Kind::Exhausting } else { failure.kind };
        Failure { kind, waits_for_key: error.lacks_key(), ..failure }
    }

    /// The same failure with its cause named.
    pub fn because(self, cause: &Cause) -> Failure {
        Failure { advice: cause.to_string(), ..self }
    }

    /// The SealedSecret is not of its type's form, although the schema let it through.
    pub fn malformed(problem: &str) -> Failure {
        Failure::unopened(
            format!("the SealedSecret is malformed: {problem}"),
            "correct the field that is named".to_owned(),
        )
    }

    /// Opening was cut short by a defect of ours.
    pub fn interrupted() -> Failure {
        let mut failure =
            Failure::unopened("unsealing ended unexpectedly".to_owned(), "see the controller's log".to_owned());
        failure.kind = Kind::Transient;
        failure
    }

    /// A Secret of that name is there and is not ours.
    pub fn unmanaged(live: &ObjectMeta, sealed: &ObjectMeta) -> Failure {
        // What a deleted SealedSecret of this name left behind goes away by garbage collection.
        let leftover = live.owner_references.iter().any(|owner| {
            owner.controller == Some(true)
                && owner.kind == sealed_secrets_resource::KIND
                && owner.name == sealed.name
                && owner.uid != sealed.uid
        });
        let event = format!("Resource {:?} already exists and is not managed by SealedSecret", sealed.name);
        Failure {
            reason: Reason::ErrUpdateFailed,
            metric: ErrorReason::Unmanaged,
            message: format!("failed update: {event}"),
            event,
            advice: format!(
                "delete the Secret, or give it the annotation {}: \"true\" to have it taken over",
                sealed_secrets_resource::annotation::MANAGED
            ),
            kind: if leftover { Kind::Transient } else { Kind::Stalled },
            waits_for_key: false,
            is_quiet: false,
        }
    }

    /// Reading or writing the Secret failed.
    pub fn secret(error: &ApiError, key: &ObjectKey) -> Failure {
        let message = error.to_string();
        if message.ends_with(IMMUTABLE) {
            let explanation = format!(
                "Error updating {key}: the target Secret is immutable. Once a Secret is marked as immutable, it is not \
                 possible to revert this change nor to mutate the contents of the data field. You can only delete and \
                 recreate the Secret."
            );
            return Failure {
                event: explanation,
                advice: "delete the Secret to have it made again".to_owned(),
                kind: Kind::Immutable,
                ..Failure::update(message)
            };
        }
        if matches!(error, ApiError::Terminating(_)) {
            // The Secret goes first, and its SealedSecret is about to follow it.
            return Failure { is_quiet: true, ..Failure::update(message) };
        }
        match error.code() {
            Some(422) if message.contains("type: Invalid value") => Failure {
                advice:
                    "the type of an existing Secret cannot change: state it in spec.template.type, or delete the Secret"
                        .to_owned(),
                kind: Kind::Stalled,
                ..Failure::update(message)
            },
            Some(422) => Failure {
                advice: "correct spec.template or the sealed items".to_owned(),
                kind: Kind::Stalled,
                ..Failure::update(message)
            },
            _ => Failure::update(message),
        }
    }

    /// The SealedSecret itself could not be read.
    pub fn fetch(error: &ApiError) -> Failure {
        Failure { metric: ErrorReason::Fetch, ..Failure::update(error.to_string()) }
    }

    fn unopened(message: String, advice: String) -> Failure {
        Failure {
            reason: Reason::ErrUnsealFailed,
            metric: ErrorReason::Unseal,
            event: format!("Failed to unseal: {message}"),
            message,
            advice,
            kind: Kind::Stalled,
            waits_for_key: false,
            is_quiet: false,
        }
    }

    fn update(message: String) -> Failure {
        Failure {
            reason: Reason::ErrUpdateFailed,
            metric: ErrorReason::Update,
            event: message.clone(),
            message,
            advice: "the controller tries again by itself".to_owned(),
            kind: Kind::Transient,
            waits_for_key: false,
            is_quiet: false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sealed_secrets_crypto::{KeyRing, SystemRandom};
    use sealed_secrets_resource::template::{Limits, RenderEnvironment};
    use sealed_secrets_resource::{SealedSecret, UnsealOptions, unseal};
    use serde_json::json;

    use super::super::fixtures::{at, controlled_by, secret_meta};
    use super::*;

    fn refused(code: u16, message: &str) -> Failure {
        let error = ApiError::Refused { code, message: message.to_owned() };
        Failure::secret(&error, &ObjectKey::new("NS", "db"))
    }

    #[test]
    fn api_answers_fall_into_the_kinds_of_the_condition_table() {
        let cases = [
            (
                422,
                "Secret \"db\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
                Kind::Immutable,
            ),
            (422, "Secret \"db\" is invalid: type: Invalid value: \"a/b\": field is immutable", Kind::Stalled),
            (422, "Secret \"db\" is invalid: data: Too long", Kind::Stalled),
            (403, "forbidden", Kind::Transient),
            (404, "namespaces \"NS\" not found", Kind::Transient),
            (409, "the object has been modified", Kind::Transient),
            (429, "too many requests", Kind::Transient),
            (500, "boom", Kind::Transient),
        ];
        for (code, message, kind) in cases {
            let failure = refused(code, message);
            assert_eq!(failure.kind, kind, "{code} {message}");
            assert_eq!(failure.message, message, "the words are the API server's");
            assert_eq!(failure.reason.word(), "ErrUpdateFailed");
        }
        assert!(!refused(403, "forbidden: exceeded quota").is_quiet);
        let silent = Failure::secret(&ApiError::NoAnswer("GET x: refused".to_owned()), &ObjectKey::new("NS", "db"));
        assert_eq!(silent.kind, Kind::Transient);
    }

    #[test]
    fn a_namespace_that_goes_away_is_nobodys_failure() {
        let error = ApiError::Terminating("being terminated".to_owned());
        let failure = Failure::secret(&error, &ObjectKey::new("NS", "db"));
        assert!(failure.is_quiet);
        assert_eq!(failure.kind, Kind::Transient);
    }

    #[test]
    fn only_the_event_explains_what_immutable_means() {
        let failure = refused(422, "x: field is immutable when `immutable` is set");
        assert_eq!(
            failure.event,
            "Error updating NS/db: the target Secret is immutable. Once a Secret is marked as immutable, it is not \
             possible to revert this change nor to mutate the contents of the data field. You can only delete and \
             recreate the Secret."
        );
    }

    #[test]
    fn unopened_items_are_told_in_the_words_of_the_reference() {
        let failure = Failure::unseal(&UnsealError::NoKey, &ObjectKey::new("NS", "db"), Scope::Strict);
        assert_eq!(failure.message, "no key could decrypt secret");
        assert_eq!(failure.event, "Failed to unseal: no key could decrypt secret");
        assert_eq!(failure.kind, Kind::Stalled);
        assert!(failure.waits_for_key && failure.advice.contains("namespace NS and name db"));
    }

    /// What comes of an object with this template and, if `closed`, an item that no key opens.
    fn of_template(template: &str, closed: bool) -> Failure {
        let items = if closed { json!({"foo": "AAAA"}) } else { json!({}) };
        let sealed = json!({"metadata": {"name": "db"}, "spec": {"encryptedData": items, "template": {"data": {"e": template}}}});
        let sealed = SealedSecret::from_json(&sealed).unwrap();
        let options = UnsealOptions { accept_deprecated_data: true, last: None };
        let environment =
            RenderEnvironment { now: at(0), random: &mut SystemRandom, limits: Limits::default(), stop: &|| false };
        let error = unseal(&sealed, &KeyRing::default(), &options, environment).unwrap_err();
        Failure::unseal(&error, &ObjectKey::new("NS", "db"), Scope::Strict)
    }

    #[test]
    fn templates_that_fail_are_told_apart_from_items_that_no_key_opens() {
        let cases = [
            ("{{", false, Kind::Stalled, "spec.template.data"),
            ("{{ fail \"x\" }}", false, Kind::Stalled, "spec.template.data"),
            ("{{ range 1000000000 }}{{ end }}", false, Kind::Exhausting, "do with less"),
            ("{{", true, Kind::Stalled, "namespace NS and name db"),
            ("x", true, Kind::Stalled, "namespace NS and name db"),
            ("{{ range 1000000000 }}{{ end }}", true, Kind::Exhausting, "namespace NS and name db"),
        ];
        for (template, closed, kind, advice) in cases {
            let failure = of_template(template, closed);
            assert_eq!(failure.kind, kind, "{template}");
            assert_eq!(failure.reason, Reason::ErrUnsealFailed);
            assert!(failure.advice.contains(advice), "{template}: {}", failure.advice);
            assert_eq!(failure.waits_for_key, closed, "{template}");
            assert_eq!(failure.event, format!("Failed to unseal: {}", failure.message));
        }
    }

    #[test]
    fn what_an_earlier_object_of_the_same_name_left_behind_will_go_away() {
        let sealed = secret_meta("new-uid");
        let cases = [
            (controlled_by("SealedSecret", "db", "old-uid"), Kind::Transient),
            (controlled_by("SealedSecret", "other", "old-uid"), Kind::Stalled),
            (controlled_by("Deployment", "db", "old-uid"), Kind::Stalled),
            (secret_meta("x"), Kind::Stalled),
        ];
        for (live, kind) in cases {
            let failure = Failure::unmanaged(&live, &sealed);
            assert_eq!(failure.kind, kind, "{live:?}");
            assert_eq!(
                failure.message,
                "failed update: Resource \"db\" already exists and is not managed by SealedSecret"
            );
        }
    }
}
