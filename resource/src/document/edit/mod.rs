//! Changes single values of a file and leaves every other byte as it is.
//!
//! The place of a value comes from the tokens of the document (`syntax`), what to write there from its surroundings
//! (`plan`, `entries`): style, indent, quotes, line ends. Whatever comes out is read again and compared with what it
//! should say, so that a document that is written in a way not foreseen here ends in an error and never in a wrong file.
//!
//! Own code: of the libraries measured (crates.md section 4.3) none keeps an alias's value when its anchor is
//! overwritten, fills an empty map, and does JSON with any indent and several documents.

mod changes;
mod entries;
mod plan;
mod removal;
mod replacement;
mod syntax;

use std::ops::Range;

use serde_json::Value;

pub use changes::{Changes, NewValue, Step};

use self::plan::{Plan, Splice};
use self::syntax::Tree;
use super::{Document, Format, ReadError, read_stream};

/// An edited file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub text: String,
    /// The bytes that were replaced, and the bytes that stand there now. In order; all bytes between them are untouched.
    pub replaced: Vec<(Range<usize>, Range<usize>)>,
}

/// A change that cannot be made in place. Nothing has been changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file has fewer documents.
    #[error("there is no document number {0}")]
    NoDocument(usize),
    /// A value is in the way.
    #[error("line {line}: {path} {obstacle}")]
    At {
        /// Line of the value, from 1.
        line: u32,
        /// The way to it, such as `spec.encryptedData`.
        path: String,
        /// What is wrong.
        obstacle: Obstacle,
    },
    /// The result would not say what it should, for a reason not known in detail.
    #[error("the document is written in a way that cannot be changed in place")]
    Unfaithful,
}

/// What prevents a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// A map is needed.
    #[error("must be a map, found a {0}")]
    NotAMap(&'static str),
    /// A list or map stands where text should be replaced.
    #[error("must be text, found a {0}")]
    NotText(&'static str),
    /// The list has fewer elements, or there is no list.
    #[error("has no such element")]
    NoElement,
    /// The map is that of an anchor elsewhere.
    #[error("is an alias (`*name`): a change would also change what it stands for")]
    Alias,
    /// The value comes in through `<<`.
    #[error("comes in through a merge key (`<<`) and cannot be changed here")]
    Inherited,
    /// Correct YAML, but too unusual.
    #[error("is written in a way that cannot be changed in place")]
    Unusual,
}

impl EditError {
    /// Whether only the way in which the document is written is in the way, so that writing it anew would help.
    #[must_use]
    pub fn is_about_style(&self) -> bool {
        match self {
            EditError::Unfaithful => true,
            EditError::At { obstacle, .. } => {
                matches!(obstacle, Obstacle::Alias | Obstacle::Inherited | Obstacle::Unusual)
            }
            EditError::Read(_) | EditError::NoDocument(_) => false,
        }
    }
}

/// Makes changes in documents of a file; the number of a document is its index in what [`read_stream`] returns.
///
/// # Guarantees
/// Outside [`Edited::replaced`] every byte is the same. The file reads back as the same documents, with the changes and
/// nothing but the changes.
///
/// # Errors
/// [`EditError`].
pub fn edit(input: &[u8], changes: &[(usize, Changes)]) -> Result<Edited, EditError> {
    let documents = read_stream(input)?;
    // The reader has checked it; the error is not reachable.
    let text = std::str::from_utf8(input).map_err(|_| EditError::Unfaithful)?;
    let mut intended: Vec<Value> = documents.iter().map(|document| document.root.to_json()).collect();
    let mut splices = Vec::new();
    for (index, changes) in changes {
        let document = documents.get(*index).ok_or(EditError::NoDocument(*index))?;
        splices.extend(splices_of(text, document, changes)?);
        changes.apply(&mut intended[*index]);
    }
    let edited = splice(text, splices).ok_or(EditError::Unfaithful)?;
    if says(&edited.text, &documents, &intended) { Ok(edited) } else { Err(EditError::Unfaithful) }
}

fn splices_of(text: &str, document: &Document, changes: &Changes) -> Result<Vec<Splice>, EditError> {
    let tree = match document.format {
        Format::Json => Tree::of_json(&document.root),
        Format::Yaml => Tree::of_yaml(text, document.extent.start).ok_or(EditError::Unfaithful)?,
    };
    let mut plan = Plan::new(text, document.format, &tree);
    plan.change(&tree.root, &document.root, changes, "")?;
    plan.finish()
}

/// Whether the new text holds these values in as many documents, and JSON is JSON still.
fn says(text: &str, before: &[Document], intended: &[Value]) -> bool {
    let Ok(documents) = read_stream(text.as_bytes()) else {
        return false;
    };
    documents.len() == intended.len()
        && documents.iter().zip(before).zip(intended).all(|((document, before), intended)| {
            (before.format == Format::Yaml || document.format == Format::Json) && document.root.to_json() == *intended
        })
}

/// Applies replacements; `None` if two of them overlap. What is inserted amid what is deleted stands behind it.
fn splice(text: &str, mut splices: Vec<Splice>) -> Option<Edited> {
    // Stable: what is inserted at one place keeps its order, and stands before what is deleted from there on.
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut edited = Edited { text: String::with_capacity(text.len() + 1024), replaced: Vec::new() };
    let (mut at, mut deleted) = (0, false);
    for Splice { mut range, new } in splices {
        if deleted && range.is_empty() && range.start < at {
            range = at..at;
        }
        deleted = new.is_empty() || (deleted && range == (at..at));
        edited.text.push_str(text.get(at..range.start)?);
        let start = edited.text.len();
        edited.text.push_str(&new);
        at = range.end;
        edited.replaced.push((range, start..edited.text.len()));
    }
    edited.text.push_str(text.get(at..)?);
    Some(edited)
}
