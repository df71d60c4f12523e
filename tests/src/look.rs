//! What tests put into their namespace, see there and wait for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::Resource;
use crate::objects::{Object, condition_status, decoded, message, secret};
use crate::wait::eventually;
use crate::world::World;

impl World {
    /// Seals a Secret with these items by kubeseal, without creating anything.
    pub fn sealed(&self, name: &str, items: &[(&str, &str)]) -> Object {
        self.seal(&secret(&self.namespace, name, items), &[])
    }

    /// Creates an object in its own namespace, or in the test's when it names none.
    pub fn create(&self, object: &Object) -> Object {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(&self.namespace);
        let resource = match object["kind"].as_str() {
            Some("SealedSecret") => Resource::SEALED,
            Some("Secret") => Resource::SECRET,
            kind => panic!("the harness creates no {kind:?}"),
        };
        self.api().create(resource, namespace, object)
    }

    /// Seals, creates and waits for the Secret: what most tests begin with.
    pub fn create_synced(&self, name: &str, items: &[(&str, &str)]) -> Object {
        self.create(&self.sealed(name, items));
        self.synced(name)
    }

    /// Gives the SealedSecret another spec.
    pub fn set_spec(&self, name: &str, spec: &Value) -> Object {
        self.api().set(Resource::SEALED, &self.namespace, name, "/spec", spec)
    }

    /// Changes metadata of the SealedSecret by a merge patch.
    pub fn set_metadata(&self, name: &str, patch: Value) -> Object {
        self.api().merge(Resource::SEALED, &self.namespace, name, &json!({ "metadata": patch }))
    }

    /// The SealedSecret.
    pub fn sealed_secret(&self, name: &str) -> Option<Object> {
        self.api().get(Resource::SEALED, &self.namespace, name)
    }

    /// The Secret.
    pub fn secret(&self, name: &str) -> Option<Object> {
        self.api().get(Resource::SECRET, &self.namespace, name)
    }

    /// The items of the Secret; none when there is no Secret.
    pub fn items(&self, name: &str) -> BTreeMap<String, String> {
        self.secret(name).as_ref().map(decoded).unwrap_or_default()
    }

    /// Waits until the Secret has exactly these items.
    pub fn wait_for_items(&self, name: &str, items: &[(&str, &str)]) -> Object {
        let wanted: BTreeMap<String, String> = items.iter().map(|&(key, value)| (key.into(), value.into())).collect();
        eventually(&format!("Secret {name} has the items {:?}", wanted.keys()), || {
            self.secret(name).filter(|found| decoded(found) == wanted)
        })
    }

    /// Waits until the SealedSecret's present generation is synced.
    pub fn synced(&self, name: &str) -> Object {
        self.settled(name, "True")
    }

    /// Waits until the SealedSecret's present generation has failed.
    pub fn failed(&self, name: &str) -> Object {
        self.settled(name, "False")
    }

    /// Waits until the SealedSecret has failed with exactly this message.
    pub fn failed_with(&self, name: &str, text: &str) -> Object {
        eventually(&format!("SealedSecret {name} fails with {text:?}"), || {
            self.sealed_secret(name)
                .filter(|found| condition_status(found, "Synced") == "False" && message(found) == text)
        })
    }

    fn settled(&self, name: &str, status: &str) -> Object {
        eventually(&format!("SealedSecret {name} has Synced={status} for its present generation"), || {
            self.sealed_secret(name).filter(|found| {
                condition_status(found, "Synced") == status
                    && found["status"]["observedGeneration"] == found["metadata"]["generation"]
            })
        })
    }

    /// The events about the SealedSecret, found as people find them.
    pub fn events(&self, name: &str, reason: &str) -> Vec<Object> {
        let query = format!("fieldSelector=involvedObject.kind%3DSealedSecret,involvedObject.name%3D{name}");
        let found = self.api().list(Resource::EVENT, &self.namespace, &query);
        found.into_iter().filter(|event| event["reason"] == reason).collect()
    }

    /// How often the events about the SealedSecret with this reason have been counted.
    pub fn event_count(&self, name: &str, reason: &str) -> u64 {
        self.events(name, reason).iter().map(|event| event["count"].as_u64().unwrap_or(1)).sum()
    }

    /// Waits for an event with this reason about the SealedSecret.
    pub fn event(&self, name: &str, reason: &str) -> Object {
        eventually(&format!("SealedSecret {name} has an event {reason}"), || self.events(name, reason).pop())
    }

    /// Waits for an event with this reason whose message contains the text.
    pub fn event_saying(&self, name: &str, reason: &str, text: &str) -> Object {
        eventually(&format!("SealedSecret {name} has an event {reason} that says {text:?}"), || {
            let found = self.events(name, reason);
            found.into_iter().find(|event| event["message"].as_str().is_some_and(|said| said.contains(text)))
        })
    }

    /// The Secrets that hold sealing keys, oldest first as far as seconds tell.
    pub fn keys(&self) -> Vec<Object> {
        let query = "labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key%3Dactive";
        self.api().list(Resource::SECRET, &self.namespace, query)
    }
}
