//! Executes nodes: text, actions, branches, loops, and calls of templates.

use super::Execution;
use super::evaluate::VARIABLES_PER_STEP;
use super::failure::Place;
use super::slot::Slot;
use crate::template::error::RenderError;
use crate::template::print;
use crate::template::syntax::{Block, Branches, Control, Node, NodeKind};
use crate::template::value::Value;

/// Bytes of a value that the long form of an error quotes at most.
const WITHHELD: usize = 1 << 16;

/// How a block ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t, 's> Execution<'t, 's, '_, '_> {
    pub(super) fn block(&mut self, block: &'t Block<'s>, dot: &Slot) -> Result<Flow, RenderError> {
        self.context.enter().map_err(|limit| self.limit(limit))?;
        for node in &block.0 {
            let flow = self.node(node, dot)?;
            if flow != Flow::Next {
                self.context.leave();
                return Ok(flow);
            }
        }
        self.context.leave();
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &'t Node<'s>, dot: &Slot) -> Result<Flow, RenderError> {
        self.place = Place::Node(node);
        self.step()?;
        match &node.kind {
            NodeKind::Text(text) => self.write(text.as_bytes())?,
            NodeKind::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.print(node, value)?;
                }
            }
            NodeKind::Control(Control::Range, branches) => self.range(node, branches, dot)?,
            NodeKind::Control(control, branches) => return self.branch(*control, branches, dot),
            NodeKind::Template { name, argument } => {
                let Some((name, block)) = self.templates.get_key_value(name) else {
                    let name = print::quote::quoted(name.as_bytes());
                    return Err(self.error(format_args!("template {name} not defined")));
                };
                let dot = match argument {
                    Some(argument) => self.pipeline(argument, dot)?,
                    None => Slot::Invalid,
                };
                let outer = std::mem::replace(&mut self.template, name);
                let variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
                self.block(block, &dot)?;
                (self.template, self.variables) = (outer, variables);
            }
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// `if` and `with`.
    fn branch(&mut self, control: Control, branches: &'t Branches<'s>, dot: &Slot) -> Result<Flow, RenderError> {
        let outer = self.variables.len();
        let value = self.pipeline(&branches.pipeline, dot)?;
        let flow = match (&branches.otherwise, value.truth()) {
            (_, true) if control == Control::With => self.block(&branches.then, &value)?,
            (_, true) => self.block(&branches.then, dot)?,
            (Some(otherwise), false) => self.block(otherwise, dot)?,
            (None, false) => Flow::Next,
        };
        self.variables.truncate(outer);
        Ok(flow)
    }

    fn range(&mut self, node: &'t Node<'s>, branches: &'t Branches<'s>, dot: &Slot) -> Result<(), RenderError> {
        let outer = self.variables.len();
        let value = self.pipeline(&branches.pipeline, dot)?;
        let ran = match value {
            Slot::Invalid => false,
            Slot::Plain(value) | Slot::Boxed(value) => self.turns(node, branches, value)?,
        };
        if let (false, Some(otherwise)) = (ran, &branches.otherwise) {
            // A `break` cannot stand here: the parser refuses it outside of the loop itself.
            self.block(otherwise, dot)?;
        }
        self.variables.truncate(outer);
        Ok(())
    }

    /// Whether there was any turn.
    fn turns(&mut self, node: &'t Node<'s>, branches: &'t Branches<'s>, value: Value) -> Result<bool, RenderError> {
        let two = branches.pipeline.variables.len() > 1;
        match &value {
            Value::List(list) => {
                let boxed = list.element() == crate::template::list::Element::Any;
                for (index, item) in list.iter().enumerate() {
                    let item = if boxed { Slot::Boxed(item) } else { Slot::Plain(item) };
                    let index = Slot::Plain(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                    if self.turn(branches, index, item)? == Flow::Break {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Value::Map(map) => {
                let entries = map.to_entries();
                self.context.allocate_elements(entries.len()).map_err(|limit| self.limit(limit))?;
                let any = !entries.is_empty();
                for (key, item) in entries {
                    let item = if map.is_of_text() { Slot::Plain(item) } else { Slot::Boxed(item) };
                    if self.turn(branches, Slot::Plain(Value::Text(key)), item)? == Flow::Break {
                        break;
                    }
                }
                Ok(any)
            }
            _ => {
                let (Some(count), Some(number)) = (count(&value), numbers_like(&value)) else {
                    return Err(self.cannot_range(&value, "range can't iterate over", ""));
                };
                if two {
                    let after = " to iterate over more than one variable";
                    return Err(self.cannot_range(&value, "can't use", after));
                }
                self.place = Place::Node(node);
                for turn in 0..count {
                    let item = Slot::Plain(number(turn));
                    if self.turn(branches, item.clone(), item)? == Flow::Break {
                        break;
                    }
                }
                Ok(count > 0)
            }
        }
    }

    fn cannot_range(&mut self, value: &Value, before: &str, after: &str) -> RenderError {
        let mut text = match self.context.print(value) {
            Ok(text) => format!(" {}{after}", text.to_text_lossy()),
            Err(error) => return RenderError::calling(self.location(), error),
        };
        text.truncate(text.floor_char_boundary(WITHHELD));
        self.error_about(before, text)
    }

    fn turn(&mut self, branches: &'t Branches<'s>, index: Slot, item: Slot) -> Result<Flow, RenderError> {
        self.step()?;
        let pipeline = &branches.pipeline;
        let inner = self.variables.len();
        match (pipeline.assigns, pipeline.variables.as_slice()) {
            (true, [only]) => self.assign(only, item.clone())?,
            (true, [first, second, ..]) => {
                self.assign(first, index)?;
                self.assign(second, item.clone())?;
            }
            (false, [_]) => self.variables[inner - 1].1 = item.clone(),
            (false, [_, _, ..]) => {
                self.variables[inner - 1].1 = item.clone();
                self.variables[inner - 2].1 = index;
            }
            (_, []) => {}
        }
        let flow = self.block(&branches.then, &item)?;
        self.variables.truncate(inner);
        Ok(flow)
    }

    pub(super) fn assign(&mut self, name: &str, value: Slot) -> Result<(), RenderError> {
        let Some(distance) = self.variables.iter().rev().position(|(known, _)| *known == name) else {
            return Err(self.error(format_args!("undefined variable: {name}")));
        };
        self.context.spend(distance / VARIABLES_PER_STEP).map_err(|limit| self.limit(limit))?;
        let index = self.variables.len() - 1 - distance;
        self.variables[index].1 = value;
        Ok(())
    }

    fn print(&mut self, node: &'t Node<'s>, value: Slot) -> Result<(), RenderError> {
        self.place = Place::Node(node);
        match value {
            Slot::Invalid => self.write(b"<no value>"),
            Slot::Plain(value) | Slot::Boxed(value) => {
                let printed = self.context.print_for_output(&value);
                let text = printed.map_err(|error| RenderError::calling(self.location(), error))?;
                self.write(&text)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RenderError> {
        self.context.output(bytes.len()).map_err(|limit| self.limit(limit))?;
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn step(&mut self) -> Result<(), RenderError> {
        self.context.spend(1).map_err(|limit| self.limit(limit))
    }
}

/// How often a number can be counted up to.
fn count(value: &Value) -> Option<u64> {
    value.as_signed().map(|number| u64::try_from(number).unwrap_or(0)).or_else(|| value.as_unsigned())
}

/// Makes numbers below `value`, of its type.
#[allow(clippy::cast_possible_truncation)] // Below the value, which fits.
fn numbers_like(value: &Value) -> Option<impl Fn(u64) -> Value + use<>> {
    let like = value.clone();
    value.as_signed().is_some().then_some(()).or_else(|| value.as_unsigned().map(|_| ()))?;
    Some(move |number: u64| match like {
        Value::Int64(_) => Value::Int64(number.cast_signed()),
        Value::Named(named, _) => Value::Named(named, number.cast_signed()),
        Value::Uint8(_) => Value::Uint8(number as u8),
        Value::Uint32(_) => Value::Uint32(number as u32),
        Value::Uint64(_) => Value::Uint64(number),
        _ => Value::Int(number.cast_signed()),
    })
}
