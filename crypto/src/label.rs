//! What a ciphertext is bound to.

use std::fmt;

/// Bytes bound into RSA-OAEP as its label `L` (RFC 8017 section 7.1.1).
///
/// A ciphertext moved to another name or namespace meets another label and does not open. The three forms are those of
/// the reference (wire-format.md section 2.1); the item's own name is never part of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Label(Vec<u8>);

impl Label {
    /// Bound to namespace and name: `<namespace>/<name>`, built literally even where one of them is empty.
    #[must_use]
    pub fn strict(namespace: &str, name: &str) -> Label {
        Label(format!("{namespace}/{name}").into_bytes())
    }

    /// Bound to the namespace alone.
    #[must_use]
    pub fn namespace_wide(namespace: &str) -> Label {
        Label(namespace.as_bytes().to_vec())
    }

    /// Bound to nothing: opens anywhere in the cluster.
    #[must_use]
    pub fn cluster_wide() -> Label {
        Label(Vec::new())
    }

    /// Any bytes, for vectors and for programs with labels of their own.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Label {
        Label(bytes)
    }

    /// The bytes as RSA-OAEP takes them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({:?})", String::from_utf8_lossy(&self.0))
    }
}
