//! Arguments: literals fit any parameter type that can hold them, everything else must already be of the type.

use super::Execution;
use super::evaluate::Given;
use super::failure::Place;
use super::slot::Slot;
use crate::template::error::RenderError;
use crate::template::function::Parameter;
use crate::template::list::Element;
use crate::template::named::Named;
use crate::template::syntax::{Operand, OperandKind};
use crate::template::value::Value;

impl<'t, 's> Execution<'t, 's, '_, '_> {
    /// Evaluates an operand for a parameter.
    pub(super) fn argument(
        &mut self,
        operand: &'t Operand<'s>,
        parameter: Parameter,
        dot: &Slot,
    ) -> Result<Value, RenderError> {
        self.place = Place::Operand(operand);
        match &operand.kind {
            OperandKind::Nil if parameter.takes_nil() => Ok(Value::Nil),
            OperandKind::Nil => Err(self.error(format_args!("cannot assign nil to {}", parameter.type_name()))),
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Text { .. } => {
                self.literal(operand, parameter)
            }
            _ => {
                let slot = self.operand(operand, dot)?;
                self.converted(slot, parameter)
            }
        }
    }

    /// An argument of `and` and `or`, which may be anything.
    pub(super) fn reflected(&mut self, operand: &'t Operand<'s>, dot: &Slot) -> Result<Slot, RenderError> {
        self.place = Place::Operand(operand);
        match &operand.kind {
            OperandKind::Nil => Ok(Slot::Invalid),
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Text { .. } => {
                self.literal(operand, Parameter::Reflected).map(Slot::from)
            }
            _ => self.operand(operand, dot),
        }
    }

    /// An operand that is no literal.
    fn operand(&mut self, operand: &'t Operand<'s>, dot: &Slot) -> Result<Slot, RenderError> {
        match &operand.kind {
            OperandKind::Field(names) => self.field(operand, names, dot, Given::NOTHING),
            OperandKind::Variable(name, names) => self.variable(operand, name, names, dot, Given::NOTHING),
            OperandKind::Pipeline(pipeline) => self.pipeline(pipeline, dot),
            OperandKind::Function(function) => {
                self.function(Place::Operand(operand), operand, function, dot, Given::NOTHING)
            }
            OperandKind::Chain(base, names) => self.chain(operand, base, names, dot, Given::NOTHING),
            _ => Ok(dot.clone()),
        }
    }

    fn literal(&mut self, operand: &'t Operand<'s>, parameter: Parameter) -> Result<Value, RenderError> {
        let expected = |what: &str| Err(self.error(format_args!("expected {what}; found {operand}")));
        match (parameter, &operand.kind) {
            (Parameter::Any | Parameter::Reflected, OperandKind::Bool(value)) => Ok(Value::Bool(*value)),
            (Parameter::Any | Parameter::Reflected, OperandKind::Number(number)) => self.constant(number),
            (Parameter::Any | Parameter::Reflected | Parameter::Text, OperandKind::Text { value, .. }) => {
                Ok(Value::Text(value.clone()))
            }
            (Parameter::Text, _) => expected("string"),
            (Parameter::Bool, OperandKind::Bool(value)) => Ok(Value::Bool(*value)),
            (Parameter::Bool, _) => expected("bool"),
            (Parameter::Int | Parameter::Int64 | Parameter::Duration, kind) => {
                let number = if let OperandKind::Number(number) = kind { number.signed } else { None };
                match (number, parameter) {
                    (None, _) => expected("integer"),
                    (Some(number), Parameter::Int) => Ok(Value::Int(number)),
                    (Some(number), Parameter::Int64) => Ok(Value::Int64(number)),
                    (Some(number), _) => Ok(Value::Named(Named::Duration, number)),
                }
            }
            (Parameter::Uint32, kind) => {
                let number = if let OperandKind::Number(number) = kind { number.unsigned } else { None };
                match number {
                    // Go's SetUint keeps the low bits.
                    #[allow(clippy::cast_possible_truncation)]
                    Some(number) => Ok(Value::Uint32(number as u32)),
                    None => expected("unsigned integer"),
                }
            }
            (Parameter::Float, kind) => {
                let number = if let OperandKind::Number(number) = kind { number.float } else { None };
                number.map_or_else(|| expected("float"), |number| Ok(Value::Float(number)))
            }
            (Parameter::List | Parameter::Map | Parameter::Object(_), _) => {
                let type_name = parameter.type_name();
                Err(self.error(format_args!("can't handle {operand} for arg of type {type_name}")))
            }
            (Parameter::Any | Parameter::Reflected, _) => Ok(Value::Nil),
        }
    }

    /// A value for a parameter.
    pub(super) fn converted(&mut self, slot: Slot, parameter: Parameter) -> Result<Value, RenderError> {
        if let Slot::Invalid = slot {
            if parameter.takes_nil() {
                return Ok(Value::Nil);
            }
            return Err(self.error(format_args!("invalid value; expected {}", parameter.type_name())));
        }
        let type_name = slot.type_name();
        let value = slot.into_value();
        if parameter.takes(&value) {
            return Ok(value);
        }
        let got = if let Value::Nil = value { type_name } else { value.type_name() };
        Err(self.error(format_args!("wrong type for value; expected {}; got {got}", parameter.type_name())))
    }
}

impl Parameter {
    fn takes_nil(self) -> bool {
        match self {
            Parameter::Any | Parameter::Reflected | Parameter::List | Parameter::Map => true,
            Parameter::Object(name) => name.starts_with('*'),
            _ => false,
        }
    }

    /// Whether the value is of this very type.
    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Parameter::Any | Parameter::Reflected, _)
            | (Parameter::Text, Value::Text(_))
            | (Parameter::Bool, Value::Bool(_))
            | (Parameter::Int, Value::Int(_))
            | (Parameter::Int64, Value::Int64(_))
            | (Parameter::Uint32, Value::Uint32(_))
            | (Parameter::Float, Value::Float(_))
            | (Parameter::Duration, Value::Named(Named::Duration, _)) => true,
            (Parameter::List, Value::List(list)) => list.element() == Element::Any,
            (Parameter::Map, Value::Map(map)) => !map.is_of_text(),
            (Parameter::Object(name), Value::Object(object)) => object.type_name() == name,
            _ => false,
        }
    }
}
