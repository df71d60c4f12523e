//! Follows SealedSecrets and Secrets of one namespace or of all, keeps the caches and fills the queue
//! (spec/controller.md 5).

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ApiResource;
use kube::core::metadata::PartialObjectMeta;
use kube::core::{DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::context::Context;
use crate::decide::order;
use crate::drift;
use crate::feed::{Feed, FirstList, Lists};
use crate::object::ObjectKey;
use crate::observed::{Observed, SecretMeta};
use crate::queue::Class;
use crate::readiness::Readiness;

/// Number of first lists that one scope has.
pub fn lists(skip_recreate: bool) -> usize {
    if skip_recreate { 1 } else { 2 }
}

/// Follows one namespace, or all of them, until `stop`.
pub async fn follow(
    context: Arc<Context>,
    client: kube::Client,
    namespace: Option<String>,
    label_selector: String,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
) {
    let mut sealed = sealed_feed(client.clone(), namespace.clone(), &label_selector, Arc::clone(&readiness));
    let mut secrets = (!context.settings.skip_recreate).then(|| secret_feed(client, namespace.clone(), readiness));
    let leadership = context.leadership.clone();
    let mut scope = Scope {
        context,
        namespace,
        sealed_unlisted: HashSet::new(),
        secrets_unlisted: HashSet::new(),
        sorted_in: None,
    };
    // Whether the Secrets could not be listed so far.
    let mut blind = false;
    loop {
        let term = leadership.term();
        tokio::select! {
            () = stop.cancelled() => return,
            event = sealed.next() => scope.sealed_event(event),
            event = next(&mut secrets) => scope.secret_event(event),
            () = leadership.changed_from(term) => {}
        }
        let listed = secrets.as_ref().is_none_or(Feed::is_complete);
        if blind && listed {
            // What was deleted meanwhile is only found by looking at everything.
            scope.sorted_in = None;
        }
        blind = !listed && secrets.as_ref().is_some_and(|feed| feed.first_list() == FirstList::Refused);
        let secrets_known = secrets.as_ref().is_none_or(|feed| feed.first_list() != FirstList::Open);
        if sealed.is_complete() && secrets_known {
            scope.sort_once_in(leadership.term());
        }
    }
}

async fn next<K: std::fmt::Debug + Send + 'static>(feed: &mut Option<Feed<K>>) -> Event<K> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

fn sealed_feed(
    client: kube::Client,
    namespace: Option<String>,
    label_selector: &str,
    readiness: Arc<Readiness>,
) -> Feed<DynamicObject> {
    let kind = GroupVersionKind::gvk("bitnami.com", "v1alpha1", "SealedSecret");
    let resource = ApiResource::from_gvk_with_plural(&kind, "sealedsecrets");
    let api: kube::Api<DynamicObject> = match &namespace {
        Some(namespace) => kube::Api::namespaced_with(client, namespace, &resource),
        None => kube::Api::all_with(client, &resource),
    };
    let selector = label_selector.to_owned();
    let source = move |lists: Lists| {
        let mut config = lists.config();
        if !selector.is_empty() {
            config = config.labels(&selector);
        }
        watcher::watcher(api.clone(), config).boxed()
    };
    Feed::new(source, "SealedSecrets", namespace, readiness)
}

fn secret_feed(
    client: kube::Client,
    namespace: Option<String>,
    readiness: Arc<Readiness>,
) -> Feed<PartialObjectMeta<Secret>> {
    let api: kube::Api<PartialObjectMeta<Secret>> = match &namespace {
        Some(namespace) => kube::Api::namespaced(client, namespace),
        None => kube::Api::all(client),
    };
    let source = move |lists: Lists| watcher::watcher(api.clone(), lists.config()).boxed();
    Feed::new(source, "Secrets", namespace, readiness)
}

/// What is watched together.
struct Scope {
    context: Arc<Context>,
    namespace: Option<String>,
    /// Cached objects that the list that is under way has not named so far. The first list, the longest by far, finds none.
    sealed_unlisted: HashSet<ObjectKey>,
    secrets_unlisted: HashSet<ObjectKey>,
    /// The time of leading in which the objects that were there were given out.
    sorted_in: Option<u64>,
}

impl Scope {
    fn sealed_event(&mut self, event: Event<DynamicObject>) {
        match event {
            Event::Init => self.sealed_unlisted = self.context.store.sealed_keys(self.namespace.as_deref()),
            Event::InitApply(object) => {
                if let Some((key, observed)) = Observed::from_watch(object) {
                    self.sealed_unlisted.remove(&key);
                    // Lists may come from a replica of the API server that lags behind the one asked before.
                    if self.is_outdated(&key, &observed) {
                        return;
                    }
                    // The first list is sorted as a whole, when the Secrets are known as well.
                    let is_sorted = self.sorted_in == self.context.leadership.term();
                    self.sealed_applied(key, observed, is_sorted);
                }
            }
            Event::InitDone => {
                for key in std::mem::take(&mut self.sealed_unlisted) {
                    self.sealed_deleted(&key);
                }
            }
            Event::Apply(object) => {
                if let Some((key, observed)) = Observed::from_watch(object) {
                    self.sealed_applied(key, observed, true);
                }
            }
            Event::Delete(object) => {
                let metadata = object.metadata;
                if let (Some(namespace), Some(name)) = (metadata.namespace, metadata.name) {
                    self.sealed_deleted(&ObjectKey { namespace, name });
                }
            }
        }
    }

    fn is_outdated(&self, key: &ObjectKey, listed: &Observed) -> bool {
        let held = self.context.store.sealed(key);
        held.is_some_and(|held| held.uid == listed.uid && held.generation > listed.generation)
    }

    fn sealed_applied(&self, key: ObjectKey, observed: Observed, enqueue: bool) {
        let context = &self.context;
        let before = context.store.sealed(&key);
        let is_changed = order::is_changed(before.as_deref(), &observed);
        if !observed.status.inputs.is_empty() {
            context.own_fields.kept();
        }
        let generation = observed.generation;
        context.store.put_sealed(key.clone(), observed);
        if !is_changed {
            debug!("sealed-secret" = %key, "update suppressed, no changes in spec");
        } else if enqueue && context.leadership.is_leading() {
            context.memory.fresh_start(&key);
            context.pending.expect(&key, generation);
            context.queue.add(key, Class::Changed);
        }
    }

    fn sealed_deleted(&self, key: &ObjectKey) {
        let Some(deleted) = self.context.store.remove_sealed(key) else {
            return;
        };
        if self.context.settings.old_gc {
            self.context.store.bury(key.clone(), deleted.uid.clone());
        }
        self.context.memory.forget(key);
        if self.context.leadership.is_leading() {
            self.context.queue.add(key.clone(), Class::Changed);
        }
    }

    fn secret_event(&mut self, event: Event<PartialObjectMeta<Secret>>) {
        match event {
            Event::Init => self.secrets_unlisted = self.context.store.secret_keys(self.namespace.as_deref()),
            Event::InitApply(object) => {
                if let Some((key, meta)) = SecretMeta::from_watch(object) {
                    self.secrets_unlisted.remove(&key);
                    self.secret_applied(key, meta);
                }
            }
            Event::InitDone => {
                for key in std::mem::take(&mut self.secrets_unlisted) {
                    self.secret_deleted(&key, None);
                }
                self.context.store.secrets_are_known(self.namespace.as_deref());
            }
            Event::Apply(object) => {
                if let Some((key, meta)) = SecretMeta::from_watch(object) {
                    self.secret_applied(key, meta);
                }
            }
            Event::Delete(object) => {
                if let Some((key, meta)) = SecretMeta::from_watch(object) {
                    self.secret_deleted(&key, Some(meta));
                }
            }
        }
    }

    fn secret_applied(&self, key: ObjectKey, meta: SecretMeta) {
        let uid = meta.uid.clone();
        let context = &self.context;
        let before = context.store.put_secret(key.clone(), meta);
        // Another object under the name: the deletion of the first was missed.
        match before {
            Some(before) if before.uid != uid => self.requeue_for(&before, &key),
            // In the first list nothing is news.
            Some(_) if context.leadership.is_leading() && drift::is_change(context, &key) => {
                context.queue.add(key, Class::Look);
            }
            _ => {}
        }
    }

    /// A Secret is gone; `last` is how it looked then, if the watch said so.
    fn secret_deleted(&self, key: &ObjectKey, last: Option<SecretMeta>) {
        let held = self.context.store.remove_secret(key);
        if let Some(deleted) = last.or(held) {
            self.requeue_for(&deleted, key);
        }
    }

    fn requeue_for(&self, deleted: &SecretMeta, key: &ObjectKey) {
        let context = &self.context;
        let Some(sealed) = context.store.sealed(key) else {
            return;
        };
        if order::is_wanted_again(deleted, &sealed) {
            // The garbage collector deletes Secrets of deleted SealedSecrets, and this watch may be ahead of the other.
            context.store.doubt(key.clone());
            context.memory.fresh_start(key);
            if context.leadership.is_leading() {
                context.queue.add(key.clone(), Class::Changed);
            }
        }
    }

    /// Gives out the objects that are there, once in each time of leading: nothing for those whose status proves that
    /// nothing has to be done. So a replica that takes over does what it would do at a start.
    fn sort_once_in(&mut self, term: Option<u64>) {
        if term.is_none() || self.sorted_in == term {
            return;
        }
        self.sorted_in = term;
        let context = &self.context;
        for key in context.store.buried_keys(self.namespace.as_deref()) {
            context.queue.add(key, Class::FirstSeen);
        }
        for key in context.store.sealed_keys(self.namespace.as_deref()) {
            let Some(sealed) = context.store.sealed(&key) else {
                continue;
            };
            let inputs = order::inputs(&key, &sealed, context.settings.accept_deprecated_data);
            let secret = context.store.secret(&key);
            let is_known = context.settings.update_status
                && order::is_known_in_sync(&sealed, secret.as_ref(), &inputs, context.settings.status_conditions);
            if !is_known && !sealed.deleting {
                context.pending.expect(&key, sealed.generation);
                context.queue.add(key, Class::FirstSeen);
            }
        }
    }
}

#[cfg(test)]
mod tests;
