//! What the controller keeps of the objects it watches.

use std::sync::Arc;

use kube::core::DynamicObject;
use kube::core::metadata::PartialObjectMeta;
use sealed_secrets_resource::annotation::{LAST_APPLIED, MANAGED, is_true};
use sealed_secrets_resource::{API_VERSION, KIND, Scope, SealedSecret, Status};
use serde_json::Value;

use crate::object::ObjectKey;

/// Label that ends up as a metric label.
const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";

/// A SealedSecret as the API server has it, or what is known of one that is malformed.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Its uid.
    pub uid: String,
    /// Its version.
    pub resource_version: String,
    /// Counts changes of the spec.
    pub generation: i64,
    /// Whether its deletion has begun.
    pub deleting: bool,
    /// Its label `app.kubernetes.io/instance`, or empty.
    pub instance: String,
    /// Its status; empty when that is malformed.
    pub status: Status,
    /// Changes with spec and scope.
    pub digest: u64,
    /// What its annotations say about where it may be opened.
    pub scope: Scope,
    /// Whether it has the deprecated form.
    pub is_deprecated: bool,
    /// See [`Observed::sealed`].
    content: Result<Arc<[u8]>, Arc<str>>,
}

impl Observed {
    /// Takes what is needed from a watched object. `None` if it has no name, which the API server never sends.
    pub fn from_watch(mut object: DynamicObject) -> Option<(ObjectKey, Observed)> {
        // Not needed, and often larger than the rest.
        object.metadata.managed_fields = None;
        Observed::read(serde_json::to_value(object).ok()?)
    }

    /// Takes what is needed from an object in JSON.
    pub fn read(value: Value) -> Option<(ObjectKey, Observed)> {
        let metadata = value.get("metadata")?.as_object()?;
        let text = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or_default();
        let entry = |map: &str, name: &str| metadata.get(map).and_then(|map| map.get(name)?.as_str());
        let key = ObjectKey::new(text("namespace"), text("name"));
        if key.name.is_empty() {
            return None;
        }
        let scope = scope(metadata.get("annotations"));
        let mut observed = Observed {
            uid: text("uid").to_owned(),
            resource_version: text("resourceVersion").to_owned(),
            generation: metadata.get("generation").and_then(Value::as_i64).unwrap_or_default(),
            deleting: metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null()),
            instance: entry("labels", INSTANCE_LABEL).unwrap_or_default().to_owned(),
            status: read_status(value.get("status")),
            digest: digest(scope, value.get("spec")),
            scope,
            is_deprecated: value.pointer("/spec/data").is_some_and(|data| !data.is_null()),
            content: Err(Arc::default()),
        };
        observed.content = pack(value);
        Some((key, observed))
    }

    /// The object without status, or what is wrong with it.
    pub fn sealed(&self) -> Result<SealedSecret, String> {
        let text = self.content.as_ref().map_err(ToString::to_string)?;
        let value = serde_json::from_slice(text).map_err(|_| "it cannot be read back".to_owned())?;
        SealedSecret::from_json(&value).map_err(|error| error.to_string())
    }

    /// The same object after a write of its status.
    pub fn with_status(&self, resource_version: String, status: Status) -> Observed {
        Observed { resource_version, status, ..self.clone() }
    }
}

/// The status on its own, so that a malformed spec does not hide it, nor it the spec.
fn read_status(status: Option<&Value>) -> Status {
    let Some(status) = status else {
        return Status::default();
    };
    let object = serde_json::json!({"apiVersion": API_VERSION, "kind": KIND, "status": status});
    let read = SealedSecret::from_json(&object).ok();
    read.and_then(|object| object.status).unwrap_or_default()
}

/// The object as compact text without what is never looked at: thousands of them are kept, few are needed at a time, and
/// one piece of memory each leaves no holes where they were parsed.
fn pack(mut value: Value) -> Result<Arc<[u8]>, Arc<str>> {
    if let Some(object) = value.as_object_mut() {
        object.retain(|field, _| ["apiVersion", "kind", "metadata", "spec"].contains(&field.as_str()));
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        let needed = ["namespace", "name", "uid", "creationTimestamp", "annotations"];
        metadata.retain(|field, _| needed.contains(&field.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|name, _| !LAST_APPLIED.contains(&name.as_str()));
        }
    }
    match SealedSecret::from_json(&value) {
        Ok(_) => Ok(value.to_string().into_bytes().into()),
        Err(error) => Err(error.to_string().into()),
    }
}

fn scope(annotations: Option<&Value>) -> Scope {
    let annotations = annotations.and_then(Value::as_object).map(|map| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        map.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    });
    Scope::from_annotations(&annotations.unwrap_or_default())
}

/// A short hash of the spec and the scope.
fn digest(scope: Scope, spec: Option<&Value>) -> u64 {
    let spec = spec.map(Value::to_string).unwrap_or_default();
    let hash = sealed_secrets_crypto::sha256(&[format!("{scope:?}\n").as_bytes(), spec.as_bytes()]);
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What is kept of a Secret: never its data, never its other annotations, one of which can hold the data in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretMeta {
    /// Its uid.
    pub uid: Box<str>,
    /// Its version.
    pub resource_version: Box<str>,
    /// The uid of its controller.
    pub controller: Option<Box<str>>,
    /// Whether it was given to us.
    pub managed: bool,
}

impl SecretMeta {
    /// Takes what is needed from the metadata of a Secret.
    pub fn from_watch<K>(object: PartialObjectMeta<K>) -> Option<(ObjectKey, SecretMeta)> {
        let metadata = object.metadata;
        let key = ObjectKey { namespace: metadata.namespace?, name: metadata.name? };
        let owners = metadata.owner_references.unwrap_or_default();
        let controller = owners.into_iter().find(|owner| owner.controller == Some(true));
        let meta = SecretMeta {
            uid: metadata.uid.unwrap_or_default().into(),
            resource_version: metadata.resource_version.unwrap_or_default().into(),
            controller: controller.map(|owner| owner.uid.into()),
            managed: is_true(&metadata.annotations.unwrap_or_default(), MANAGED),
        };
        Some((key, meta))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_malformed_object_is_kept_with_its_status_and_the_problem() {
        let (key, observed) = Observed::read(json!({
            "metadata": {"namespace": "NS", "name": "bad", "uid": "u", "generation": 4},
            "spec": {"encryptedData": {}, "template": {"metadata": {"creationTimestamp": "junk"}}},
            "status": {"observedGeneration": 3},
        }))
        .unwrap();
        assert_eq!(key.to_string(), "NS/bad");
        assert_eq!(observed.status.observed_generation, Some(3));
        assert_eq!(observed.generation, 4);
        let problem = observed.sealed().unwrap_err();
        assert!(problem.contains("spec.template.metadata.creationTimestamp"), "{problem}");
        assert!(!problem.contains("junk"), "{problem}");
    }

    #[test]
    fn a_malformed_status_does_not_hide_the_object() {
        let (_, observed) = Observed::read(json!({
            "metadata": {"namespace": "NS", "name": "db"},
            "spec": {"encryptedData": {}},
            "status": {"conditions": "none"},
        }))
        .unwrap();
        assert_eq!(observed.status, Status::default());
        assert!(observed.sealed().is_ok());
    }

    #[test]
    fn copies_of_the_object_in_its_annotations_are_not_kept() {
        let (_, observed) = Observed::read(json!({
            "metadata": {"namespace": "NS", "name": "db", "labels": {"app.kubernetes.io/instance": "web"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}},
            "spec": {"encryptedData": {}},
        }))
        .unwrap();
        assert_eq!(observed.instance, "web");
        let annotations = observed.sealed().unwrap().metadata.annotations;
        assert_eq!(annotations.keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn of_a_secret_only_names_versions_owner_and_our_mark_are_kept() {
        let object: PartialObjectMeta = serde_json::from_value(json!({
            "metadata": {"namespace": "NS", "name": "db", "uid": "u", "resourceVersion": "7",
                "annotations": {MANAGED: "true", "kubectl.kubernetes.io/last-applied-configuration": "cGxhaW4="},
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "A", "name": "a", "uid": "1"},
                    {"apiVersion": "v1", "kind": "B", "name": "b", "uid": "2", "controller": true},
                ]},
        }))
        .unwrap();
        let (key, meta) = SecretMeta::from_watch(object).unwrap();
        assert_eq!(key.to_string(), "NS/db");
        assert_eq!(
            meta,
            SecretMeta { uid: "u".into(), resource_version: "7".into(), controller: Some("2".into()), managed: true }
        );
        assert!(!format!("{meta:?}").contains("cGxhaW4="));
    }
}
