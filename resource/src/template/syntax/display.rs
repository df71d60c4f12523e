//! How Go's messages show a piece of a template: its canonical text, not what was written.

use std::fmt::{self, Display, Formatter};

use super::node::{Block, Branches, Command, Control, Node, NodeKind, Operand, OperandKind, Pipeline};
use crate::template::print::quote;

impl Display for Block<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|node| node.fmt(f))
    }
}

impl Display for Node<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Text(text) => f.write_str(text),
            NodeKind::Action(pipeline) => write!(f, "{{{{{pipeline}}}}}"),
            NodeKind::Control(control, branches) => {
                let Branches { pipeline, then, otherwise } = &**branches;
                write!(f, "{{{{{} {pipeline}}}}}{then}", control.word())?;
                if let Some(otherwise) = otherwise {
                    write!(f, "{{{{else}}}}{otherwise}")?;
                }
                f.write_str("{{end}}")
            }
            NodeKind::Template { name, argument } => {
                write!(f, "{{{{template {}", quote::quoted(name.as_bytes()))?;
                if let Some(argument) = argument {
                    write!(f, " {argument}")?;
                }
                f.write_str("}}")
            }
            NodeKind::Break => f.write_str("{{break}}"),
            NodeKind::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl Control {
    pub(super) fn word(self) -> &'static str {
        match self {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        }
    }
}

impl Display for Pipeline<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, operand) in self.operands.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            inner(f, operand)?;
        }
        Ok(())
    }
}

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut Formatter<'_>, fields: &[&str]| fields.iter().try_for_each(|name| write!(f, ".{name}"));
        match &self.kind {
            OperandKind::Dot => f.write_str("."),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Bool(value) => value.fmt(f),
            OperandKind::Number(number) => f.write_str(number.written),
            OperandKind::Text { written, .. } => f.write_str(written),
            OperandKind::Field(names) => fields(f, names),
            OperandKind::Variable(name, names) => {
                f.write_str(name)?;
                fields(f, names)
            }
            OperandKind::Function(function) => f.write_str(function.name),
            OperandKind::Chain(base, names) => {
                inner(f, base)?;
                fields(f, names)
            }
            OperandKind::Pipeline(pipeline) => pipeline.fmt(f),
        }
    }
}

/// An operand inside something larger: a pipeline shows its parentheses there, and only there.
fn inner(f: &mut Formatter<'_>, operand: &Operand<'_>) -> fmt::Result {
    match &operand.kind {
        OperandKind::Pipeline(pipeline) => write!(f, "({pipeline})"),
        _ => operand.fmt(f),
    }
}
