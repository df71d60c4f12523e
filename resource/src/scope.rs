//! Where a sealed value may be opened.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sealed_secrets_crypto::Label;

use crate::annotation::{self, CLUSTER_WIDE, NAMESPACE_WIDE};

/// Where a sealed value may be opened (wire-format.md section 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Only under its own name in its own namespace.
    #[default]
    Strict,
    /// Under any name in its own namespace.
    NamespaceWide,
    /// Anywhere in the cluster.
    ClusterWide,
}

impl Scope {
    /// Every scope, narrowest first.
    pub const ALL: [Scope; 3] = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];

    /// What the annotations of an object say: cluster-wide wins over namespace-wide, nothing means strict.
    #[must_use]
    pub fn from_annotations(annotations: &BTreeMap<String, String>) -> Scope {
        if annotation::is_true(annotations, CLUSTER_WIDE) {
            Scope::ClusterWide
        } else if annotation::is_true(annotations, NAMESPACE_WIDE) {
            Scope::NamespaceWide
        } else {
            Scope::Strict
        }
    }

    /// Makes the annotations say this scope and no other.
    pub fn write_annotations(self, annotations: &mut BTreeMap<String, String>) {
        annotations.remove(CLUSTER_WIDE);
        annotations.remove(NAMESPACE_WIDE);
        if let Some(name) = self.annotation() {
            annotations.insert(name.to_owned(), "true".to_owned());
        }
    }

    /// The annotation that stands for this scope; strict has none.
    #[must_use]
    pub fn annotation(self) -> Option<&'static str> {
        match self {
            Scope::Strict => None,
            Scope::NamespaceWide => Some(NAMESPACE_WIDE),
            Scope::ClusterWide => Some(CLUSTER_WIDE),
        }
    }

    /// What values of an object of this namespace and name are bound to.
    #[must_use]
    pub fn label(self, namespace: &str, name: &str) -> Label {
        match self {
            Scope::Strict => Label::strict(namespace, name),
            Scope::NamespaceWide => Label::namespace_wide(namespace),
            Scope::ClusterWide => Label::cluster_wide(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scope::Strict => "strict",
            Scope::NamespaceWide => "namespace-wide",
            Scope::ClusterWide => "cluster-wide",
        })
    }
}

/// Not the name of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: strict, namespace-wide, cluster-wide")]
pub struct ParseScopeError;

impl FromStr for Scope {
    type Err = ParseScopeError;

    /// The empty text means strict.
    fn from_str(text: &str) -> Result<Scope, ParseScopeError> {
        match text {
            "" => Ok(Scope::Strict),
            _ => Scope::ALL.into_iter().find(|scope| scope.to_string() == text).ok_or(ParseScopeError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_word_true_widens_and_cluster_wide_wins() {
        let scope = |cluster: Option<&str>, namespace: Option<&str>| {
            let pairs = [(CLUSTER_WIDE, cluster), (NAMESPACE_WIDE, namespace)];
            let entries = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
            Scope::from_annotations(&entries.collect())
        };
        assert_eq!(scope(None, None), Scope::Strict);
        assert_eq!(scope(None, Some("true")), Scope::NamespaceWide);
        assert_eq!(scope(Some("true"), Some("true")), Scope::ClusterWide);
        assert_eq!(scope(Some("false"), Some("true")), Scope::NamespaceWide);
        for word in ["True", "TRUE", "1", "yes", "", "true "] {
            assert_eq!(scope(Some(word), Some(word)), Scope::Strict, "{word:?}");
        }
    }

    #[test]
    fn written_annotations_read_back_and_replace_the_others() {
        for scope in Scope::ALL {
            let mut annotations =
                BTreeMap::from([(CLUSTER_WIDE.to_owned(), "true".to_owned()), ("a".to_owned(), "b".to_owned())]);
            scope.write_annotations(&mut annotations);
            assert_eq!(Scope::from_annotations(&annotations), scope);
            assert_eq!(annotations.len(), if scope == Scope::Strict { 1 } else { 2 });
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert_eq!("".parse(), Ok(Scope::Strict));
        assert_eq!("Strict".parse::<Scope>(), Err(ParseScopeError));
    }

    #[test]
    fn labels_are_built_literally_even_from_empty_parts() {
        assert_eq!(Scope::Strict.label("", "").as_bytes(), b"/");
        assert_eq!(Scope::Strict.label("shop", "db").as_bytes(), b"shop/db");
        assert_eq!(Scope::NamespaceWide.label("shop", "db").as_bytes(), b"shop");
        assert_eq!(Scope::ClusterWide.label("shop", "db").as_bytes(), b"");
    }
}
