//! What is reported, and under which names.

use std::fmt;
use std::str::FromStr;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Works, but is probably not meant.
    Warning,
    /// Does not work, is not what the settings ask for, or lies open.
    Error,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub rule: Rule,
    /// Where, from 1.
    pub line: Option<u32>,
    /// Name of the object, empty where it has none.
    pub object: String,
    /// Name of the item, if it is about one.
    pub item: Option<String>,
    /// What is wrong. Holds no value.
    pub message: String,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident $name:literal $severity:ident;)+) => {
        /// A check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])+ $rule,)+
        }

        impl Rule {
            /// Every check.
            pub const ALL: &'static [Rule] = &[$(Rule::$rule),+];

            /// The name that people write.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Rule::$rule => $name,)+
                }
            }

            /// How much a finding of this check matters.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Rule::$rule => Severity::$severity,)+
                }
            }
        }
    };
}

rules! {
    /// The file is no YAML and no JSON.
    Unreadable "unreadable" Error;
    /// A field has the wrong type.
    Field "field" Error;
    /// `apiVersion` is not the one that clusters know.
    ApiVersion "api-version" Error;
    /// The name is missing.
    Name "name" Error;
    /// The namespace is missing where the scope needs it, or another one than the settings say.
    Namespace "namespace" Error;
    /// The scope is another one than the settings say.
    Scope "scope" Error;
    /// A scope annotation says something that does not count.
    ScopeAnnotation "scope-annotation" Warning;
    /// The template's scope annotations contradict the object's.
    TemplateScope "template-scope" Error;
    /// There is nothing in it.
    NoItems "no-items" Warning;
    /// No Secret can have an item of this name.
    ItemName "item-name" Error;
    /// An item is no Base64 text.
    Base64 "base64" Error;
    /// An item is no envelope, or is cut off.
    Envelope "envelope" Error;
    /// An item was sealed for a key that programs refuse today.
    SmallKey "small-key" Warning;
    /// An item was sealed for a key of another size than the configured certificate's.
    KeySize "key-size" Error;
    /// The object holds one envelope for everything, as very old programs made it.
    DeprecatedForm "deprecated-form" Warning;
    /// It holds that and items.
    BothForms "both-forms" Error;
    /// The record of the keys is unreadable, or about items that are not there.
    Record "record" Warning;
    /// An item is recorded to be sealed with another key than the configured certificate's.
    RecordedKey "recorded-key" Error;
    /// The settings ask for a record of the keys, and there is none.
    MissingRecord "missing-record" Error;
    /// An annotation of `kubectl apply` holds the clear text.
    LastApplied "last-applied" Error;
    /// An object stands twice in one file.
    Duplicate "duplicate" Error;
    /// A Secret that is not sealed.
    PlaintextSecret "plaintext-secret" Error;
    /// An unquoted word that YAML reads as a boolean.
    BooleanName "boolean-name" Warning;
}

/// Not the name of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no check of kubeseal lint")]
pub struct ParseRuleError;

impl FromStr for Rule {
    type Err = ParseRuleError;

    fn from_str(text: &str) -> Result<Rule, ParseRuleError> {
        Rule::ALL.iter().copied().find(|rule| rule.name() == text).ok_or(ParseRuleError)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl fmt::Display for Finding {
    /// `error[base64]: db, item password: illegal base64 data at input byte 4`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: ", self.rule.severity(), self.rule)?;
        match (self.object.as_str(), &self.item) {
            ("", None) => {}
            ("", Some(item)) => write!(f, "item {item}: ")?,
            (object, None) => write!(f, "{object}: ")?,
            (object, Some(item)) => write!(f, "{object}, item {item}: ")?,
        }
        f.write_str(&self.message)
    }
}
