//! Why an entry could not be rendered, in two lengths: one that anybody may read, one for the owner of the values.

use std::fmt;

use super::function::FunctionError;
use super::limits::Limit;
use super::syntax::ParseError;

/// The failure of one entry.
///
/// `Display` follows the reference word for word, but ends where a value could appear: after `error calling f`, and
/// before the value that `range` cannot iterate over. [`RenderError::in_full`] goes on.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderError(Box<Parts>);

/// Boxed: results of this type stand on every frame of a deep recursion.
#[derive(Clone, PartialEq, Eq)]
struct Parts {
    kind: ErrorKind,
    shown: String,
    withheld: String,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The template does not parse.
    Parse,
    /// The template fails with these values, this time.
    Execution,
    /// A bound was reached.
    Limit(Limit),
}

impl RenderError {
    pub(super) fn execution(shown: String, withheld: String) -> RenderError {
        RenderError(Box::new(Parts { kind: ErrorKind::Execution, shown, withheld }))
    }

    /// A function failed; what a bound or a refusal says names no value.
    pub(super) fn calling(shown: String, error: FunctionError) -> RenderError {
        match error {
            FunctionError::Failed(text) => RenderError::execution(shown, format!(": {text}")),
            FunctionError::Unsupported(text) => RenderError::execution(format!("{shown}: {text}"), String::new()),
            FunctionError::Limit(limit) => RenderError::limit(&shown, limit),
        }
    }

    pub(super) fn limit(place: &str, limit: Limit) -> RenderError {
        let shown = format!("{place}: {limit}");
        RenderError(Box::new(Parts { kind: ErrorKind::Limit(limit), shown, withheld: String::new() }))
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The whole text, with the function's own words: they may quote decrypted values. Never for logs, events, status.
    #[must_use]
    pub fn in_full(&self) -> impl fmt::Display + '_ {
        InFull(self)
    }
}

struct InFull<'a>(&'a RenderError);

impl fmt::Display for InFull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.0.shown, self.0.0.withheld)
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.shown)
    }
}

/// As `Display`: a debug line must not show more.
impl fmt::Debug for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RenderError({:?}, {:?})", self.0.kind, self.0.shown)
    }
}

impl std::error::Error for RenderError {}

impl From<ParseError> for RenderError {
    fn from(error: ParseError) -> RenderError {
        RenderError(Box::new(Parts { kind: ErrorKind::Parse, shown: error.to_string(), withheld: String::new() }))
    }
}
