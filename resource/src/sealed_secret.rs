//! The SealedSecret custom resource.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::annotation::SEALED_WITH;
use crate::decode::{DecodeError, Field, Rules, Tree};
use crate::document::Node;
use crate::metadata::ObjectMeta;
use crate::recorded_keys::RecordedKeys;
use crate::scope::Scope;
use crate::secret::SecretBytes;
use sealed_secrets_crypto::Label;

/// API group and version of the resource.
pub const API_VERSION: &str = "bitnami.com/v1alpha1";
/// Kind of the resource.
pub const KIND: &str = "SealedSecret";

/// A SealedSecret, in the reference's order of fields (wire-format.md section 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecret {
    /// Always [`KIND`].
    pub kind: String,
    /// Always [`API_VERSION`].
    pub api_version: String,
    /// The object's own identity; its annotations carry the scope.
    pub metadata: ObjectMeta,
    /// What to make, and from what.
    pub spec: Spec,
    /// What the controller found; absent in files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// The desired Secret, sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Shape of the Secret to make.
    pub template: Template,
    /// Deprecated: the envelope of a whole Secret. Present means present in the input, even when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<SecretBytes>,
    /// Envelopes in Base64, by item name. Kept as text: a damaged item must not spoil the others.
    pub encrypted_data: BTreeMap<String, String>,
}

/// Shape of the Secret to make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Copied to the Secret; name and namespace in it are overridden.
    pub metadata: ObjectMeta,
    /// Type of the Secret; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub r#type: String,
    /// Whether the Secret may not be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Go templates rendered into items, over sealed ones of the same name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

/// What the controller found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Generation of the spec that was last processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Synced` first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Ours: fingerprints of the keys that opened the items at the last success, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sealed_with: Vec<String>,
    /// Ours: the Secret as the controller left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<WrittenSecret>,
    /// Ours: hash of what besides the spec decided the result.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub inputs: String,
}

/// One condition of the status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Name of the condition.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When it was last written.
    pub last_update_time: Option<Timestamp>,
    /// When `status` last changed.
    pub last_transition_time: Option<Timestamp>,
    /// A stable word; never set on `Synced`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Text for people; empty on success.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A Secret that the controller wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenSecret {
    /// Identity of the object.
    pub uid: String,
    /// Its version after the write.
    pub resource_version: String,
}

impl SealedSecret {
    /// An object without status.
    #[must_use]
    pub fn new(metadata: ObjectMeta, spec: Spec) -> SealedSecret {
        SealedSecret { kind: KIND.to_owned(), api_version: API_VERSION.to_owned(), metadata, spec, status: None }
    }

    /// Reads a document. `kind` and `apiVersion` are the caller's concern and are filled in here.
    ///
    /// # Errors
    /// [`DecodeError`], naming line and field.
    pub fn from_node(node: &Node, rules: Rules) -> Result<SealedSecret, DecodeError> {
        SealedSecret::decode(&Field::root(node, rules))
    }

    /// Reads what the API server sends.
    ///
    /// # Errors
    /// [`DecodeError`], naming the field. `spec.encryptedData` never causes one: what is no string there becomes an
    /// empty item that does not open (wire-format.md section 3.4).
    pub fn from_json(value: &Value) -> Result<SealedSecret, DecodeError> {
        SealedSecret::decode(&Field::root(value, Rules::Strict))
    }

    /// Refuses a document that calls itself something else.
    ///
    /// # Errors
    /// [`DecodeError`] naming the kind found and the kind expected. `kind` and `apiVersion` may be missing unless
    /// `required`.
    pub fn check_type(node: &Node, required: bool) -> Result<(), DecodeError> {
        let object = Field::root(node, Rules::Strict).object()?;
        for (name, expected) in [("kind", KIND), ("apiVersion", API_VERSION)] {
            let field = object.field(name);
            let found = field.text()?;
            if found != expected && (required || !found.is_empty()) {
                return Err(field.unexpected(&found, expected));
            }
        }
        Ok(())
    }

    fn decode<T: Tree>(field: &Field<'_, T>) -> Result<SealedSecret, DecodeError> {
        let object = field.object()?;
        let metadata = ObjectMeta::decode(&object.field("metadata"))?;
        let spec = object.field("spec").object()?;
        let template = spec.field("template").object()?;
        let data = spec.field("data");
        let spec = Spec {
            template: Template {
                metadata: ObjectMeta::decode(&template.field("metadata"))?,
                r#type: template.field("type").text()?,
                immutable: template.field("immutable").boolean()?,
                data: template.field("data").text_map()?,
            },
            data: data.is_present().then(|| data.bytes()).transpose()?,
            encrypted_data: spec.field("encryptedData").forgiving_text_map().unwrap_or_default(),
        };
        let status = object.field("status");
        let status = if status.is_present() { Some(Status::decode(&status)?) } else { None };
        Ok(SealedSecret { status, ..SealedSecret::new(metadata, spec) })
    }

    /// Where the items may be opened; the template has no say in it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::from_annotations(&self.metadata.annotations)
    }

    /// What the items are bound to.
    #[must_use]
    pub fn label(&self) -> Label {
        self.scope().label(&self.metadata.namespace, &self.metadata.name)
    }

    /// Which keys sealed the items, where that was recorded and is readable.
    #[must_use]
    pub fn recorded_keys(&self) -> RecordedKeys {
        self.metadata.annotations.get(SEALED_WITH).map(|text| RecordedKeys::parse(text)).unwrap_or_default()
    }
}

impl Status {
    fn decode<T: Tree>(field: &Field<'_, T>) -> Result<Status, DecodeError> {
        let object = field.object()?;
        let secret = object.field("secret");
        let written = secret.object()?;
        Ok(Status {
            observed_generation: object.field("observedGeneration").integer()?,
            conditions: object.field("conditions").list()?.iter().map(condition).collect::<Result<_, _>>()?,
            sealed_with: object.field("sealedWith").list()?.iter().map(Field::text).collect::<Result<_, _>>()?,
            secret: if secret.is_present() {
                Some(WrittenSecret {
                    uid: written.field("uid").text()?,
                    resource_version: written.field("resourceVersion").text()?,
                })
            } else {
                None
            },
            inputs: object.field("inputs").text()?,
        })
    }
}

fn condition<T: Tree>(field: &Field<'_, T>) -> Result<Condition, DecodeError> {
    let object = field.object()?;
    Ok(Condition {
        r#type: object.field("type").text()?,
        status: object.field("status").text()?,
        last_update_time: object.field("lastUpdateTime").time()?,
        last_transition_time: object.field("lastTransitionTime").time()?,
        reason: object.field("reason").text()?,
        message: object.field("message").text()?,
    })
}
