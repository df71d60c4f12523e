//! The `v1` Secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::base64_text;
use crate::decode::{DecodeError, Field, Rules, Tree};
use crate::document::Node;
use crate::metadata::ObjectMeta;

/// A value of a Secret: wiped when dropped, redacted in `Debug`. Serialises as the Base64 text that Secrets hold.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The value.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBytes {
    fn from(bytes: Zeroizing<Vec<u8>>) -> SecretBytes {
        SecretBytes(bytes)
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> SecretBytes {
        SecretBytes(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes(<{} bytes, redacted>)", self.0.len())
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(base64_text::encode(&self.0)))
    }
}

/// A Secret, in the reference's order of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// `Secret`.
    pub kind: String,
    /// `v1`.
    pub api_version: String,
    /// Name, namespace, labels, annotations.
    pub metadata: ObjectMeta,
    /// Whether the API server refuses changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Values by item name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, SecretBytes>,
    /// Values as text; the API server folds them into `data`, over equal names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "as_text")]
    pub string_data: BTreeMap<String, SecretBytes>,
    /// Kind of Secret, such as `Opaque`; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub r#type: String,
}

/// The kind of the object, as it names itself.
pub(crate) const KIND: &str = "Secret";

impl Secret {
    /// Reads a document as a Secret. A missing `kind` or `apiVersion` is filled in; another kind is the caller's concern.
    ///
    /// # Errors
    /// [`DecodeError`], naming line and field.
    pub fn from_node(node: &Node, rules: Rules) -> Result<Secret, DecodeError> {
        Secret::decode(&Field::root(node, rules))
    }

    /// Reads what the API server sends.
    ///
    /// # Errors
    /// [`DecodeError`], naming the field.
    pub fn from_json(value: &Value) -> Result<Secret, DecodeError> {
        Secret::decode(&Field::root(value, Rules::Strict))
    }

    fn decode<T: Tree>(field: &Field<'_, T>) -> Result<Secret, DecodeError> {
        let object = field.object()?;
        let text_bytes = |field: &Field<'_, T>| Ok(SecretBytes::from(field.text()?.into_bytes()));
        Ok(Secret {
            kind: KIND.to_owned(),
            api_version: "v1".to_owned(),
            metadata: ObjectMeta::decode(&object.field("metadata"))?,
            immutable: object.field("immutable").boolean()?,
            data: object.field("data").map_of(Field::bytes)?,
            string_data: object.field("stringData").map_of(text_bytes)?,
            r#type: object.field("type").text()?,
        })
    }
}

/// `stringData` holds what was text when it came in.
fn as_text<S: Serializer>(map: &BTreeMap<String, SecretBytes>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(key, value)| (key, String::from_utf8_lossy(value.as_slice()))))
}
