//! A parsed template.

use super::number::Number;
use crate::template::function::Function;
use crate::template::text::Text;

/// The content of one template or of one branch.
#[derive(Debug, Default)]
pub(in crate::template) struct Block<'s>(pub(in crate::template) Vec<Node<'s>>);

impl Block<'_> {
    /// Whether nothing but blanks is in it.
    pub(super) fn is_blank(&self) -> bool {
        self.0.iter().all(|node| match &node.kind {
            NodeKind::Text(text) => text.trim().is_empty(),
            _ => false,
        })
    }
}

/// Something to execute, with its byte offset.
#[derive(Debug)]
pub(in crate::template) struct Node<'s> {
    pub(in crate::template) position: usize,
    pub(in crate::template) kind: NodeKind<'s>,
}

#[derive(Debug)]
pub(in crate::template) enum NodeKind<'s> {
    Text(&'s str),
    Action(Pipeline<'s>),
    Control(Control, Box<Branches<'s>>),
    Template { name: String, argument: Option<Pipeline<'s>> },
    Break,
    Continue,
}

/// Which word begins a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::template) enum Control {
    If,
    With,
    Range,
}

/// The parts of `if`, `with` and `range`.
#[derive(Debug)]
pub(in crate::template) struct Branches<'s> {
    pub(in crate::template) pipeline: Pipeline<'s>,
    pub(in crate::template) then: Block<'s>,
    pub(in crate::template) otherwise: Option<Block<'s>>,
}

/// Commands, each getting the result of the one before as its last argument.
#[derive(Debug)]
pub(in crate::template) struct Pipeline<'s> {
    pub(in crate::template) position: usize,
    /// `=` instead of `:=`.
    pub(in crate::template) assigns: bool,
    /// The variables set, with the dollar.
    pub(in crate::template) variables: Vec<&'s str>,
    pub(in crate::template) commands: Vec<Command<'s>>,
}

/// An operand and its arguments.
#[derive(Debug)]
pub(in crate::template) struct Command<'s> {
    pub(in crate::template) position: usize,
    /// At least one.
    pub(in crate::template) operands: Vec<Operand<'s>>,
}

#[derive(Debug)]
pub(in crate::template) struct Operand<'s> {
    pub(in crate::template) position: usize,
    pub(in crate::template) kind: OperandKind<'s>,
}

#[derive(Debug)]
pub(in crate::template) enum OperandKind<'s> {
    Dot,
    Nil,
    Bool(bool),
    Number(Number<'s>),
    Text {
        written: &'s str,
        value: Text,
    },
    /// Field names after the dot.
    Field(Vec<&'s str>),
    /// The name with the dollar, and the fields after it.
    Variable(&'s str, Vec<&'s str>),
    Function(&'static Function),
    /// Fields of something that is not a field or a variable.
    Chain(Box<Operand<'s>>, Vec<&'s str>),
    Pipeline(Box<Pipeline<'s>>),
}
