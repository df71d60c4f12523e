//! What is queued for what a watch delivers. Nothing here calls an API server.

#![allow(clippy::unwrap_used)]

use futures::FutureExt;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::api::Api;
use crate::args::{KeyOrder, StatusConditions};
use crate::context::{OwnFieldsSeen, Settings};
use crate::events::Recorder;
use crate::keys::Keys;
use crate::leadership::Leadership;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::pending::Pending;
use crate::private_work::PrivateWork;
use crate::queue::Queue;
use crate::rendering::Rendering;
use crate::store::Store;

#[tokio::test]
async fn a_secret_whose_deletion_was_missed_is_made_again_after_the_next_list() {
    let mut scope = scope();
    list(&mut scope, &[sealed("db", "u", 1, "True"), sealed("kept", "k", 1, "True")]);
    queued(&scope);
    list_secrets(&mut scope, &[secret("db", "u"), secret("kept", "k")]);
    assert!(queued(&scope).is_empty(), "in sync");
    list_secrets(&mut scope, &[secret("kept", "k")]);
    assert_eq!(queued(&scope), ["NS/db"]);
    assert!(scope.context.store.is_doubtful(&ObjectKey::new("NS", "db")), "the SealedSecret may have gone as well");
}

#[tokio::test]
async fn another_secret_of_the_same_name_means_that_a_deletion_was_missed() {
    let mut scope = scope();
    list(&mut scope, &[sealed("db", "u", 1, "True")]);
    list_secrets(&mut scope, &[secret("db", "u")]);
    queued(&scope);
    let mut other = secret("db", "somebody else");
    other["metadata"]["uid"] = "another".into();
    scope.secret_event(Event::Apply(serde_json::from_value(other).unwrap()));
    assert_eq!(queued(&scope), ["NS/db"]);
}

#[tokio::test]
async fn a_sealed_secret_whose_deletion_was_missed_leaves_nothing_behind_after_the_next_list() {
    let mut scope = scope();
    list(&mut scope, &[sealed("db", "u", 1, "False"), sealed("kept", "k", 1, "True")]);
    queued(&scope);
    list(&mut scope, &[sealed("kept", "k", 1, "True")]);
    assert_eq!(queued(&scope), ["NS/db"]);
    let shown: Vec<String> = scope.context.store.conditions().into_iter().map(|sample| sample.name).collect();
    assert_eq!(shown, ["kept"]);
}

#[tokio::test]
async fn a_list_that_lags_behind_what_was_seen_already_takes_nothing_back() {
    let mut scope = scope();
    list(&mut scope, &[sealed("db", "u", 3, "True")]);
    queued(&scope);
    list(&mut scope, &[sealed("db", "u", 2, "True")]);
    assert!(queued(&scope).is_empty());
    let held = |scope: &Scope| scope.context.store.sealed(&ObjectKey::new("NS", "db")).unwrap().generation;
    assert_eq!(held(&scope), 3);
    list(&mut scope, &[sealed("db", "made anew", 1, "True")]);
    assert_eq!(held(&scope), 1, "another object begins at 1");
}

#[tokio::test]
async fn secrets_are_asked_for_by_their_metadata_alone() {
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let service = tower::service_fn(move |request: Request<Body>| {
        let accept = request.headers()[http::header::ACCEPT].to_str().unwrap().to_owned();
        sender.send((request.uri().path().to_owned(), accept)).unwrap();
        async { Ok::<_, std::convert::Infallible>(Response::builder().status(500).body(Body::empty()).unwrap()) }
    });
    let client = kube::Client::new(service, "NS");
    let mut feed = secret_feed(client, None, Arc::default());
    tokio::select! {
        _ = feed.next() => {}
        Some((path, accept)) = asked.recv() => {
            assert_eq!(path, "/api/v1/secrets");
            assert!(accept.contains("as=PartialObjectMetadata"), "{accept}");
        }
    }
}

fn list(scope: &mut Scope, objects: &[Value]) {
    scope.sealed_event(Event::Init);
    for object in objects {
        scope.sealed_event(Event::InitApply(serde_json::from_value(object.clone()).unwrap()));
    }
    scope.sealed_event(Event::InitDone);
}

fn list_secrets(scope: &mut Scope, objects: &[Value]) {
    scope.secret_event(Event::Init);
    for object in objects {
        scope.secret_event(Event::InitApply(serde_json::from_value(object.clone()).unwrap()));
    }
    scope.secret_event(Event::InitDone);
}

/// Takes everything off the queue.
fn queued(scope: &Scope) -> Vec<String> {
    let next = || scope.context.queue.next().now_or_never();
    std::iter::from_fn(next)
        .map(|(key, _)| {
            scope.context.queue.done(&key, None);
            key.to_string()
        })
        .collect()
}

fn sealed(name: &str, uid: &str, generation: i64, synced: &str) -> Value {
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "NS", "name": name, "uid": uid, "resourceVersion": "1", "generation": generation},
        "spec": {"encryptedData": {}},
        "status": {"observedGeneration": generation, "conditions": [{"type": "Synced", "status": synced}]},
    })
}

fn secret(name: &str, owner: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": "NS", "name": name, "uid": format!("of {name}"), "resourceVersion": "1",
            "ownerReferences": [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name, "uid": owner,
                "controller": true}]},
    })
}

/// A scope whose first lists are over.
fn scope() -> Scope {
    let service = tower::service_fn(|_: Request<Body>| async {
        Ok::<_, std::convert::Infallible>(Response::builder().status(500).body(Body::empty()).unwrap())
    });
    let leadership = Leadership::always();
    let api = Arc::new(Api::new(kube::Client::new(service, "NS"), None, leadership.clone()));
    let metrics = Arc::new(Metrics::new("test"));
    let context = Context {
        recorder: Recorder::new(Arc::clone(&api), CancellationToken::new()).0,
        api,
        leadership: leadership.clone(),
        store: Arc::new(Store::default()),
        queue: Arc::new(Queue::new()),
        pending: Pending::new().0,
        memory: Memory::default(),
        keys: Arc::new(Keys::new(KeyOrder::CertNotBefore, Arc::clone(&metrics))),
        private_work: PrivateWork::new(1),
        rendering: Rendering::new(),
        metrics,
        settings: Settings {
            accept_deprecated_data: true,
            old_gc: false,
            heal_drift: false,
            skip_recreate: false,
            update_status: true,
            status_conditions: StatusConditions::All,
            fast_retries: 5,
        },
        own_fields: OwnFieldsSeen::default(),
    };
    Scope {
        context: Arc::new(context),
        namespace: None,
        sealed_unlisted: HashSet::new(),
        secrets_unlisted: HashSet::new(),
        sorted_in: leadership.term(),
    }
}
