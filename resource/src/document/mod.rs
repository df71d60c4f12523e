//! Reads and writes the YAML and JSON documents that hold Secrets and SealedSecrets.
//!
//! Reading gives a tree of [`Node`]s that remember where they stand in the input, so that a wrong value can be
//! named by line and a right one be replaced in place. Scalars mean what they mean to the reference (YAML 1.1 as
//! Go reads it), with one difference: no digit of a number is ever lost ([`Number::to_text`]).
//!
//! Errors name line, column and fault, never the text itself: it may be a secret.

mod boundary;
mod build;
mod decimal;
pub mod edit;
mod error;
mod json;
mod lines;
mod locate;
mod node;
mod number;
mod quoting;
mod read;
mod scalar;
mod source;
mod write_json;
mod write_yaml;
mod yaml;

pub use error::{Problem, ReadError, WriteError};
pub use locate::Position;
pub use node::{Entry, Node, NodeValue};
pub use number::Number;
pub use read::{Document, Format, read_object, read_stream, stream};
pub use write_json::{to_json_compact, to_json_pretty};
pub use write_yaml::to_yaml;

/// Lists and maps may be nested this deep, root included; a deeper document is refused.
///
/// Trees are walked recursively here and by everyone who uses them, and real objects stay below 30.
pub const MAX_DEPTH: usize = 256;

/// So many values, keys among them, may be in one document; a larger one is refused before it takes the memory of the
/// machine.
///
/// Enough for a list of twenty thousand Secrets as the API server shows them, a hundred megabytes as a tree.
pub const MAX_VALUES: usize = 1_000_000;

#[cfg(test)]
mod go_table;
#[cfg(test)]
mod grammar_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reader_tests;
