//! Names, labels and annotations of an object.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::annotation;
use crate::decode::{DecodeError, Field, Tree};

/// The metadata of an object, in the reference's order of fields (wire-format.md section 3.3). Empty fields are not
/// written; `managedFields` is read over, because nothing of ours may carry it on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of the Kubernetes API")]
pub struct ObjectMeta {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub generate_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub self_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_grace_period_seconds: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_references: Vec<OwnerReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
}

/// An owner of an object; the first four fields are always written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of the Kubernetes API")]
pub struct OwnerReference {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}

impl ObjectMeta {
    pub(crate) fn decode<T: Tree>(field: &Field<'_, T>) -> Result<ObjectMeta, DecodeError> {
        let object = field.object()?;
        Ok(ObjectMeta {
            name: object.field("name").text()?,
            generate_name: object.field("generateName").text()?,
            namespace: object.field("namespace").text()?,
            self_link: object.field("selfLink").text()?,
            uid: object.field("uid").text()?,
            resource_version: object.field("resourceVersion").text()?,
            generation: object.field("generation").integer()?.filter(|generation| *generation != 0),
            creation_timestamp: object.field("creationTimestamp").time()?,
            deletion_timestamp: object.field("deletionTimestamp").time()?,
            deletion_grace_period_seconds: object.field("deletionGracePeriodSeconds").integer()?,
            labels: object.field("labels").text_map()?,
            annotations: object.field("annotations").text_map()?,
            owner_references: object.field("ownerReferences").list()?.iter().map(owner).collect::<Result<_, _>>()?,
            finalizers: object.field("finalizers").list()?.iter().map(Field::text).collect::<Result<_, _>>()?,
        })
    }

    /// Takes away what only the API server may set.
    pub fn strip_server_fields(&mut self) {
        self.self_link.clear();
        self.uid.clear();
        self.resource_version.clear();
        self.generation = None;
        self.creation_timestamp = None;
        self.deletion_timestamp = None;
        self.deletion_grace_period_seconds = None;
    }

    /// Takes away the annotations in which `kubectl apply` keeps the clear text of a Secret.
    pub fn strip_last_applied(&mut self) {
        for name in annotation::LAST_APPLIED {
            self.annotations.remove(name);
        }
    }
}

fn owner<T: Tree>(field: &Field<'_, T>) -> Result<OwnerReference, DecodeError> {
    let object = field.object()?;
    Ok(OwnerReference {
        api_version: object.field("apiVersion").text()?,
        kind: object.field("kind").text()?,
        name: object.field("name").text()?,
        uid: object.field("uid").text()?,
        controller: object.field("controller").boolean()?,
        block_owner_deletion: object.field("blockOwnerDeletion").boolean()?,
    })
}
