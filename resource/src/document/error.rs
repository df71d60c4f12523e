//! What can be wrong with a document, without a word of its content.

use super::Position;

/// A document that cannot be read: where, and what is wrong there.
///
/// Neither the message nor anything reachable from it holds text of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {problem}", .position.line, .position.column)]
pub struct ReadError {
    position: Position,
    problem: Problem,
}

impl ReadError {
    pub(super) fn new(position: Position, problem: Problem) -> Self {
        ReadError { position, problem }
    }

    /// Where reading stopped.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// What was found there.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A byte sequence that is not UTF-8.
    #[error("the input is not UTF-8 text")]
    NotUtf8,
    /// The input starts with the mark of UTF-16, as some Windows tools write it.
    #[error("the input is not UTF-8 but UTF-16 text; save it as UTF-8")]
    Utf16,
    /// The input ends inside an object, a list or a string.
    #[error("the input ends in the middle of {0}")]
    UnexpectedEnd(&'static str),
    /// JSON: something else stands where this was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// JSON: a number that does not follow the grammar.
    #[error("malformed number")]
    MalformedNumber,
    /// JSON: a backslash followed by something that is no escape.
    #[error("invalid escape in a string")]
    InvalidEscape,
    /// JSON: a raw control character inside a string.
    #[error("unescaped control character in a string")]
    ControlCharacter,
    /// Text after the only object of a JSON file.
    #[error("unexpected text after the JSON object")]
    TrailingText,
    /// A document that follows another without a `---` line.
    #[error("unexpected text after the end of the document; documents are separated by a line `---`")]
    MissingSeparator,
    /// YAML syntax, in the words of the parser.
    #[error("invalid YAML: {0}")]
    Yaml(String),
    /// A document that is a string, a number, … instead of an object.
    #[error("expected an object with fields, found a {0}")]
    NotAnObject(&'static str),
    /// A map key without a value.
    #[error("a map key is null; quote it or write a name")]
    NullKey,
    /// A list or map used as a map key.
    #[error("a map key must be a plain value, not a {0}")]
    CollectionKey(&'static str),
    /// `<<` with something that is neither a map nor a list of maps.
    #[error("the merge key `<<` needs a map or a list of maps")]
    Merge,
    /// An alias inside the value that its anchor names.
    #[error("an anchor's value contains an alias to itself")]
    RecursiveAnchor,
    /// Aliases that multiply a small document into a huge one.
    #[error("the document repeats too much text through aliases")]
    TooManyAliases,
    /// Nested deeper than [`super::MAX_DEPTH`].
    #[error("lists and maps are nested more than {} deep", super::MAX_DEPTH)]
    TooDeep,
    /// More values than [`super::MAX_VALUES`].
    #[error("the document holds more than {} values; split it into several", super::MAX_VALUES)]
    TooManyValues,
    /// `!!binary` with a value that is not Base64.
    #[error("the value tagged !!binary is not valid Base64")]
    InvalidBinary,
    /// `!!binary` with bytes that no string can hold.
    #[error("the value tagged !!binary is not text; put such values under `data`, without the tag")]
    BinaryNotText,
    /// An explicit tag that does not fit the value.
    #[error("the value cannot be read as {0}")]
    WrongTag(&'static str),
}

/// A value that cannot be written, such as a map whose keys are not strings.
#[derive(Debug, thiserror::Error)]
#[error("the object cannot be written as a document")]
pub struct WriteError(#[from] serde_json::Error);
