//! From the text of an entry to its parsed templates.

mod cursor;
mod display;
mod float;
mod lexer;
mod node;
mod number;
mod parser;
mod pipeline;
mod token;
mod unquote;

pub(super) use float::parse_float;
pub(super) use node::{Block, Branches, Command, Control, Node, NodeKind, Operand, OperandKind, Pipeline};
pub(super) use number::{Number, parse_signed};
pub(super) use parser::{ParseError, Parsed, Templates, parse};
