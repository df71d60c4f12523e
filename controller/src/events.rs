//! Events on SealedSecrets (spec/controller.md 8): core `v1`, because the published roles permit no other.
//!
//! Events are queued and written by tasks of their own, those of one object by the same. They never delay or fail a
//! reconcile; when the API server is slow for long, the newest ones are dropped.

mod correlate;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::correlate::{Action, Correlator};
use crate::api::{Api, ApiError};
use crate::clock;
use crate::object::ObjectKey;

/// `source.component` and `reportingComponent`.
const COMPONENT: &str = "sealed-secrets";
/// Tasks that write events: one alone falls behind when thousands of objects are opened.
const WRITERS: usize = 4;
/// Events waiting for one of them, at most.
const BACKLOG: usize = 1000;
/// Attempts to write one event when the API server does not answer.
const ATTEMPTS: u32 = 5;
/// How long a lead that was lost is waited for.
const LEAD_COMES_BACK_WITHIN: Duration = Duration::from_secs(120);

/// Whether an event tells of a success or a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// `Normal`
    Normal,
    /// `Warning`
    Warning,
}

impl EventType {
    fn word(self) -> &'static str {
        match self {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        }
    }
}

/// The SealedSecret that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Namespace and name.
    pub key: ObjectKey,
    /// UID of this very object.
    pub uid: String,
    /// The version that was looked at.
    pub resource_version: String,
}

/// What is to be told.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The object.
    pub subject: Subject,
    /// Success or failure.
    pub event_type: EventType,
    /// The stable word.
    pub reason: &'static str,
    /// The text for people. Never a value of a Secret.
    pub message: String,
}

/// Hands events to the tasks that write them. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    writers: Arc<[mpsc::Sender<Notice>]>,
}

impl Recorder {
    /// A recorder, and the task that writes its events until all recorders are gone. After `stop` it does not wait for a
    /// lead any more.
    pub fn new(api: Arc<Api>, stop: CancellationToken) -> (Recorder, impl Future<Output = ()>) {
        let (writers, events): (Vec<_>, Vec<_>) = (0..WRITERS).map(|_| mpsc::channel(BACKLOG)).unzip();
        let writing = events.into_iter().map(move |events| write_all(Arc::clone(&api), events, stop.clone()));
        let all = join_all(writing.collect::<Vec<_>>());
        (Recorder { writers: writers.into() }, async move { drop(all.await) })
    }

    /// Logs an event and queues it for writing.
    pub fn send(&self, notice: Notice) {
        info!("{}", log_line(&notice));
        let mut hasher = DefaultHasher::new();
        notice.subject.key.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % (WRITERS as u64)).unwrap_or_default();
        if let Err(TrySendError::Full(notice) | TrySendError::Closed(notice)) = self.writers[index].try_send(notice) {
            let Notice { subject, reason, .. } = notice;
            warn!(key = %subject.key, reason, "event dropped, too many are waiting to be written");
        }
    }
}

/// The line that the reference's recorder logs.
fn log_line(notice: &Notice) -> String {
    let Subject { key, uid, resource_version } = &notice.subject;
    format!(
        "Event(v1.ObjectReference{{Kind:\"SealedSecret\", Namespace:\"{}\", Name:\"{}\", UID:\"{uid}\", \
         APIVersion:\"bitnami.com/v1alpha1\", ResourceVersion:\"{resource_version}\", FieldPath:\"\"}}): \
         type: '{}' reason: '{}' {}",
        key.namespace,
        key.name,
        notice.event_type.word(),
        notice.reason,
        notice.message
    )
}

async fn write_all(api: Arc<Api>, mut receiver: mpsc::Receiver<Notice>, stop: CancellationToken) {
    let mut correlator = Correlator::new();
    while let Some(notice) = receiver.recv().await {
        match write(&api, correlator.observe(&notice, clock::now()), &stop).await {
            Ok(()) => {}
            Err(ApiError::NotLeading) => {
                // Whoever leads now tells what it sees itself.
                let others = std::iter::from_fn(|| receiver.try_recv().ok()).count();
                warn!(count = others + 1, "events not written, another replica leads");
            }
            Err(error) => {
                warn!(key = %notice.subject.key, reason = notice.reason, error = %error, "event not written");
            }
        }
    }
}

async fn write(api: &Api, action: Action, stop: &CancellationToken) -> Result<(), ApiError> {
    let create =
        async |event: &CoreEvent| with_patience(api, stop, || api.create_event(&event.metadata.namespace, event)).await;
    match action {
        Action::Create(event) => create(&event).await,
        Action::Raise(event) => {
            let patch = event.patch();
            let path = (event.metadata.namespace.as_str(), event.metadata.name.as_str());
            match with_patience(api, stop, || api.patch_event(path.0, path.1, &patch)).await {
                // The event lives for an hour; a later occurrence finds it gone.
                Err(ApiError::Refused { code: 404, .. }) => create(&event).await,
                outcome => outcome,
            }
        }
        Action::Drop => Ok(()),
    }
}

/// Repeats a write that got no answer, and waits a while for a lead that was lost; a refusal is final.
async fn with_patience<F: Future<Output = Result<(), ApiError>>>(
    api: &Api,
    stop: &CancellationToken,
    write: impl Fn() -> F,
) -> Result<(), ApiError> {
    let mut delay = Duration::from_millis(500);
    for _ in 1..ATTEMPTS {
        match write().await {
            Err(ApiError::NoAnswer(_)) => tokio::time::sleep(delay).await,
            // Most often the API server was slow for a moment, and it comes back.
            Err(ApiError::NotLeading) => tokio::select! {
                () = api.leads() => continue,
                () = stop.cancelled() => return Err(ApiError::NotLeading),
                () = tokio::time::sleep(LEAD_COMES_BACK_WITHIN) => return Err(ApiError::NotLeading),
            },
            outcome => return outcome,
        }
        delay *= 2;
    }
    write().await
}

/// A core `v1` Event as it is sent.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoreEvent {
    kind: &'static str,
    api_version: &'static str,
    metadata: EventMetadata,
    involved_object: InvolvedObject,
    reason: &'static str,
    message: String,
    source: Source,
    first_timestamp: Timestamp,
    last_timestamp: Timestamp,
    count: u32,
    #[serde(rename = "type")]
    event_type: &'static str,
    reporting_component: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct EventMetadata {
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InvolvedObject {
    kind: &'static str,
    namespace: String,
    name: String,
    uid: String,
    api_version: &'static str,
    resource_version: String,
}

#[derive(Clone, Debug, Serialize)]
struct Source {
    component: &'static str,
}

impl CoreEvent {
    fn first(notice: &Notice, message: String, name: String, now: Timestamp) -> CoreEvent {
        let ObjectKey { namespace, name: subject } = &notice.subject.key;
        CoreEvent {
            kind: "Event",
            api_version: "v1",
            metadata: EventMetadata { name, namespace: namespace.clone() },
            involved_object: InvolvedObject {
                kind: "SealedSecret",
                namespace: namespace.clone(),
                name: subject.clone(),
                uid: notice.subject.uid.clone(),
                api_version: "bitnami.com/v1alpha1",
                resource_version: notice.subject.resource_version.clone(),
            },
            reason: notice.reason,
            message,
            source: Source { component: COMPONENT },
            first_timestamp: clock::whole_seconds(now),
            last_timestamp: clock::whole_seconds(now),
            count: 1,
            event_type: notice.event_type.word(),
            reporting_component: COMPONENT,
        }
    }

    /// What changes in an event that happened again.
    fn patch(&self) -> serde_json::Value {
        serde_json::json!({
            "count": self.count,
            "lastTimestamp": self.last_timestamp,
            "message": self.message,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn notice(name: &str, message: &str) -> Notice {
        Notice {
            subject: Subject {
                key: ObjectKey::new("NS", name),
                uid: format!("uid-of-{name}"),
                resource_version: "227".to_owned(),
            },
            event_type: EventType::Normal,
            reason: "Unsealed",
            message: message.to_owned(),
        }
    }

    #[test]
    fn the_log_line_is_that_of_the_reference() {
        assert_eq!(
            log_line(&notice("good", "SealedSecret unsealed successfully")),
            "Event(v1.ObjectReference{Kind:\"SealedSecret\", Namespace:\"NS\", Name:\"good\", UID:\"uid-of-good\", \
             APIVersion:\"bitnami.com/v1alpha1\", ResourceVersion:\"227\", FieldPath:\"\"}): type: 'Normal' reason: \
             'Unsealed' SealedSecret unsealed successfully"
        );
    }

    #[test]
    fn an_event_is_sent_in_the_form_of_the_reference() {
        let now: Timestamp = "2026-11-22T06:13:45.7Z".parse().unwrap();
        let event = CoreEvent::first(&notice("good", "done"), "done".to_owned(), "good.1".to_owned(), now);
        assert_eq!(
            serde_json::to_value(event).unwrap(),
            serde_json::json!({
                "kind": "Event", "apiVersion": "v1",
                "metadata": {"name": "good.1", "namespace": "NS"},
                "involvedObject": {"kind": "SealedSecret", "namespace": "NS", "name": "good", "uid": "uid-of-good",
                    "apiVersion": "bitnami.com/v1alpha1", "resourceVersion": "227"},
                "reason": "Unsealed", "message": "done", "type": "Normal", "count": 1,
                "source": {"component": "sealed-secrets"}, "reportingComponent": "sealed-secrets",
                "firstTimestamp": "2026-11-22T06:13:45Z", "lastTimestamp": "2026-11-22T06:13:45Z",
            })
        );
    }
}
