//! Key Secrets in the cluster: listed at start, followed while running, written after a generation.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret as WatchedSecret;
use kube::runtime::watcher::{self, Event};
use sealed_secrets_resource::{ACTIVE, KEY_LABEL, Secret};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::api::{Api, ApiError};
use crate::context::Context;
use crate::feed::{Feed, Lists};
use crate::keys::{Change, Keys};
use crate::object::ObjectKey;
use crate::private_work::PrivateWork;
use crate::queue::Class;
use crate::readiness::Readiness;

/// Time between two lists of the key Secrets where they may not be watched.
const BETWEEN_LISTS: Duration = Duration::from_secs(60);

/// The label that makes a Secret a key Secret.
pub fn selector() -> String {
    format!("{KEY_LABEL}={ACTIVE}")
}

/// Loads all keys: the labelled ones, and the one from releases that did not label theirs.
pub async fn load(
    api: &Api,
    namespace: &str,
    prefix: &str,
    keys: &Arc<Keys>,
    private_work: &PrivateWork,
) -> Result<(), ApiError> {
    let mut found = api.key_secrets(namespace, &selector()).await?;
    let legacy: Option<Value> = api.secret(&ObjectKey::new(namespace, prefix)).await?;
    let uid = |value: &Value| value.pointer("/metadata/uid").cloned();
    found.extend(legacy.filter(|legacy| !found.iter().any(|known| uid(known) == uid(legacy))));
    let secrets = found.iter().filter_map(readable).collect();
    let keys = Arc::clone(keys);
    // A panic in there leaves no key, and the caller goes on to make one.
    let _ = private_work.run(move || keys.load(secrets)).await;
    Ok(())
}

/// A key Secret, or `None` after saying what is wrong with it.
fn readable(value: &Value) -> Option<Secret> {
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    match Secret::from_json(value) {
        Ok(secret) => Some(secret),
        Err(problem) => {
            error!(secret = name, error = %problem, "Error reading key");
            None
        }
    }
}

/// Follows the labelled Secrets of a namespace until `stop` (W11, W12).
pub async fn follow(
    context: Arc<Context>,
    client: kube::Client,
    namespace: String,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
) {
    let api: kube::Api<WatchedSecret> = kube::Api::namespaced(client, &namespace);
    let source = move |lists: Lists| watcher::watcher(api.clone(), lists.config().labels(&selector())).boxed();
    let mut feed = Feed::new(source, "key Secrets", Some(namespace), readiness);
    let mut listed: Vec<String> = Vec::new();
    let mut before: Vec<String> = Vec::new();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = feed.next() => event,
        };
        match event {
            Event::Init => {
                listed.clear();
                // Keys that were there before this list and are not in it have gone meanwhile. The legacy key, which has
                // no label and is in no such list, was never followed.
                before = context.keys.secrets();
            }
            Event::InitApply(secret) => {
                listed.extend(secret.metadata.name.clone());
                arrived(&context, secret).await;
            }
            Event::InitDone => {
                for name in before.drain(..).filter(|name| !listed.contains(name) && context.keys.is_followed(name)) {
                    context.keys.remove(&name);
                }
            }
            Event::Apply(secret) => arrived(&context, secret).await,
            Event::Delete(secret) => context.keys.remove(&secret.metadata.name.unwrap_or_default()),
        }
    }
}

/// A key Secret is there or has changed.
async fn arrived(context: &Arc<Context>, secret: WatchedSecret) {
    if let Some(secret) = serde_json::to_value(&secret).ok().as_ref().and_then(readable) {
        register(context, vec![secret]).await;
    }
}

async fn register(context: &Arc<Context>, secrets: Vec<Secret>) {
    let keys = Arc::clone(&context.keys);
    let change = context.private_work.run(move || keys.load(secrets)).await;
    if let Ok(Change::NewKey) = change {
        // What could not be opened may be openable now.
        for key in context.memory.another_chance(context.settings.fast_retries) {
            context.queue.add(key, Class::FirstSeen);
        }
    }
}

/// Follows the labelled Secrets of a namespace until `stop` where they may be listed and not watched.
pub async fn follow_by_lists(context: Arc<Context>, namespace: String, stop: CancellationToken) {
    let mut said = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(BETWEEN_LISTS) => {}
        }
        // Before the list: a key that is made meanwhile is in neither.
        let before = context.keys.secrets();
        let found = match context.api.key_secrets(&namespace, &selector()).await {
            Ok(found) => found,
            Err(problem) => {
                if !std::mem::replace(&mut said, true) {
                    error!(error = %problem, "key Secrets not listed, will retry");
                }
                continue;
            }
        };
        said = false;
        let secrets: Vec<Secret> = found.iter().filter_map(readable).collect();
        let names: Vec<&str> = secrets.iter().map(|secret| secret.metadata.name.as_str()).collect();
        for name in before {
            if !names.contains(&name.as_str()) && context.keys.is_followed(&name) {
                context.keys.remove(&name);
            }
        }
        register(&context, secrets).await;
    }
}
