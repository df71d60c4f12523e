//! Where an error happened, in Go's words.

use std::fmt::{self, Display, Write as _};

use super::Execution;
use crate::template::error::RenderError;
use crate::template::limits::Limit;
use crate::template::print::quote;
use crate::template::syntax::{Command, Node, Operand, Pipeline};

/// The piece of the template that is being executed.
#[derive(Clone, Copy)]
pub(super) enum Place<'t, 's> {
    Nowhere,
    Node(&'t Node<'s>),
    Pipeline(&'t Pipeline<'s>),
    Command(&'t Command<'s>),
    Operand(&'t Operand<'s>),
}

impl Place<'_, '_> {
    fn position(&self) -> usize {
        match self {
            Place::Nowhere => 0,
            Place::Node(node) => node.position,
            Place::Pipeline(pipeline) => pipeline.position,
            Place::Command(command) => command.position,
            Place::Operand(operand) => operand.position,
        }
    }
}

impl Display for Place<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Nowhere => Ok(()),
            Place::Node(node) => node.fmt(f),
            Place::Pipeline(pipeline) => pipeline.fmt(f),
            Place::Command(command) => command.fmt(f),
            Place::Operand(operand) => operand.fmt(f),
        }
    }
}

/// Go shows the whole piece; more of it than this makes no message clearer. Bytes.
const SHOWN: usize = 1_000;

impl Execution<'_, '_, '_, '_> {
    /// An error at the current place.
    pub(super) fn error(&self, message: impl Display) -> RenderError {
        RenderError::execution(format!("{}: {message}", self.location()), String::new())
    }

    /// An error whose last part is a value.
    pub(super) fn error_about(&self, message: &str, value: String) -> RenderError {
        RenderError::execution(format!("{}: {message}", self.location()), value)
    }

    /// A bound reached at the current place.
    pub(super) fn limit(&self, limit: Limit) -> RenderError {
        RenderError::limit(&self.location(), limit)
    }

    /// `template: entry:1:2: executing "entry" at <piece>`
    pub(super) fn location(&self) -> String {
        let before = &self.text[..self.place.position()];
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let template = quote::quoted(self.template.as_bytes());
        let piece = shortened(&self.place);
        format!("template: {}:{line}:{column}: executing {template} at <{piece}>", self.entry)
    }
}

/// The piece, cut where it gets long: it can be as large as the template.
fn shortened(place: &Place<'_, '_>) -> String {
    let mut text = Bounded(String::new());
    if write!(text, "{place}").is_err() {
        text.0.push_str("...");
    }
    text.0
}

/// Takes as much text as is shown and refuses the rest.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(SHOWN - self.0.len().min(SHOWN));
        self.0.push_str(&text[..end]);
        if end == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
