//! Evaluates pipelines, commands, fields and calls.

use super::Execution;
use super::failure::Place;
use super::slot::Slot;
use crate::template::error::RenderError;
use crate::template::function::{Arguments, Function, FunctionError, Parameter};
use crate::template::language::{AND, OR};
use crate::template::object::methods_of;
use crate::template::syntax::{Command, Number, Operand, OperandKind, Pipeline};
use crate::template::value::Value;

/// Variables passed over in about the time of a step.
pub(super) const VARIABLES_PER_STEP: usize = 16;

/// A call as it stands in the template: its operands and what was piped in.
#[derive(Clone, Copy)]
pub(super) struct Given<'t, 's, 'a> {
    /// The operands after the first.
    pub(super) operands: &'t [Operand<'s>],
    /// The result of the command before.
    pub(super) piped: Option<&'a Slot>,
}

impl Given<'_, '_, '_> {
    pub(super) const NOTHING: Given<'static, 'static, 'static> = Given { operands: &[], piped: None };

    fn is_nothing(&self) -> bool {
        self.operands.is_empty() && self.piped.is_none()
    }
}

impl<'t, 's> Execution<'t, 's, '_, '_> {
    pub(super) fn pipeline(&mut self, pipeline: &'t Pipeline<'s>, dot: &Slot) -> Result<Slot, RenderError> {
        self.place = Place::Pipeline(pipeline);
        self.context.enter().map_err(|limit| self.limit(limit))?;
        let mut value: Option<Slot> = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, dot, value.as_ref())?.unboxed());
        }
        self.context.leave();
        let value = value.unwrap_or(Slot::Invalid);
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &'t Command<'s>, dot: &Slot, piped: Option<&Slot>) -> Result<Slot, RenderError> {
        self.step()?;
        let Some((first, operands)) = command.operands.split_first() else { return Ok(Slot::Invalid) };
        let given = Given { operands, piped };
        match &first.kind {
            OperandKind::Field(names) => self.field(first, names, dot, given),
            OperandKind::Chain(base, names) => self.chain(first, base, names, dot, given),
            OperandKind::Function(function) => self.function(Place::Command(command), first, function, dot, given),
            OperandKind::Variable(name, names) => self.variable(first, name, names, dot, given),
            OperandKind::Pipeline(pipeline) => {
                self.refuse_arguments(first, given)?;
                self.pipeline(pipeline, dot)
            }
            constant => {
                self.place = Place::Operand(first);
                self.refuse_arguments(first, given)?;
                match constant {
                    OperandKind::Bool(value) => Ok(Slot::Plain(Value::Bool(*value))),
                    OperandKind::Number(number) => self.constant(number).map(Slot::Plain),
                    OperandKind::Text { value, .. } => Ok(Slot::Plain(Value::Text(value.clone()))),
                    OperandKind::Nil => Err(self.error("nil is not a command")),
                    _ => Ok(dot.clone()),
                }
            }
        }
    }

    /// A number literal where any type will do.
    pub(super) fn constant(&mut self, number: &Number<'s>) -> Result<Value, RenderError> {
        let written = number.written;
        let hexadecimal = written.starts_with("0x") && !written.contains(['p', 'P']);
        let floating = !hexadecimal && !written.starts_with('\'') && written.contains(['.', 'e', 'E', 'p', 'P']);
        match number {
            Number { complex: Some((re, im)), .. } => Ok(Value::Complex(*re, *im)),
            Number { float: Some(float), .. } if floating => Ok(Value::Float(*float)),
            Number { signed: Some(signed), .. } => Ok(Value::Int(*signed)),
            _ => Err(self.error(format_args!("{written} overflows int"))),
        }
    }

    fn refuse_arguments(&self, first: &Operand<'s>, given: Given<'t, 's, '_>) -> Result<(), RenderError> {
        if given.is_nothing() {
            return Ok(());
        }
        Err(self.error(format_args!("can't give argument to non-function {first}")))
    }

    pub(super) fn field(
        &mut self,
        operand: &'t Operand<'s>,
        names: &[&'s str],
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        self.place = Place::Operand(operand);
        self.fields(operand, dot.clone(), names, dot, given)
    }

    pub(super) fn variable(
        &mut self,
        operand: &'t Operand<'s>,
        name: &str,
        names: &[&'s str],
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        self.place = Place::Operand(operand);
        let found = self.variables.iter().rev().position(|(known, _)| *known == name);
        let Some(distance) = found else { return Err(self.error(format_args!("undefined variable: {name}"))) };
        self.context.spend(distance / VARIABLES_PER_STEP).map_err(|limit| self.limit(limit))?;
        let value = self.variables[self.variables.len() - 1 - distance].1.clone();
        if names.is_empty() {
            self.refuse_arguments(operand, given)?;
            return Ok(value);
        }
        self.fields(operand, value, names, dot, given)
    }

    pub(super) fn chain(
        &mut self,
        operand: &'t Operand<'s>,
        base: &'t Operand<'s>,
        names: &[&'s str],
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        self.place = Place::Operand(operand);
        let value = match &base.kind {
            OperandKind::Nil => {
                return Err(self.error(format_args!("indirection through explicit nil in {operand}")));
            }
            OperandKind::Pipeline(pipeline) => {
                self.place = Place::Operand(base);
                self.pipeline(pipeline, dot)?
            }
            OperandKind::Function(function) => {
                self.place = Place::Operand(base);
                self.function(Place::Operand(base), base, function, dot, Given::NOTHING)?
            }
            _ => Slot::Invalid,
        };
        self.fields(operand, value, names, dot, given)
    }

    /// Fields one after the other; only the last can take arguments.
    fn fields(
        &mut self,
        operand: &'t Operand<'s>,
        mut receiver: Slot,
        names: &[&'s str],
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        for (index, name) in names.iter().enumerate() {
            let given = if index + 1 == names.len() { given } else { Given::NOTHING };
            receiver = self.one_field(operand, receiver, name, dot, given)?;
        }
        Ok(receiver)
    }

    fn one_field(
        &mut self,
        operand: &'t Operand<'s>,
        receiver: Slot,
        name: &str,
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        let type_name = receiver.type_name();
        let value = match receiver {
            Slot::Invalid => return Ok(Slot::Invalid),
            Slot::Boxed(Value::Nil) => {
                return Err(self.error(format_args!("nil pointer evaluating {type_name}.{name}")));
            }
            Slot::Boxed(value) | Slot::Plain(value) => value,
        };
        if let Some(method) = methods_of(&value).iter().find(|method| method.name == name) {
            return self.call(Place::Operand(operand), method, Some(value), dot, given);
        }
        match &value {
            Value::Map(map) => {
                if !given.is_nothing() {
                    return Err(self.error(format_args!("{name} is not a method but has arguments")));
                }
                let found = map.get(name.as_bytes());
                Ok(match found {
                    None => Slot::Invalid,
                    Some(found) if map.is_of_text() => Slot::Plain(found),
                    Some(found) => Slot::Boxed(found),
                })
            }
            Value::Object(object) => {
                let found = object.fields().into_iter().find(|(known, _)| *known == name);
                match found {
                    Some(_) if name.starts_with(|c: char| c.is_lowercase()) => {
                        Err(self.error(format_args!("{name} is an unexported field of struct type {type_name}")))
                    }
                    Some(_) if !given.is_nothing() => {
                        Err(self.error(format_args!("{name} has arguments but cannot be invoked as function")))
                    }
                    Some((_, found)) => Ok(Slot::from(found)),
                    None => Err(self.error(format_args!("can't evaluate field {name} in type {type_name}"))),
                }
            }
            _ => Err(self.error(format_args!("can't evaluate field {name} in type {type_name}"))),
        }
    }

    pub(super) fn function(
        &mut self,
        place: Place<'t, 's>,
        operand: &'t Operand<'s>,
        function: &'static Function,
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        self.place = Place::Operand(operand);
        if (function.name == AND || function.name == OR) && function.rest == Some(Parameter::Reflected) {
            return self.short_circuit(function, dot, given);
        }
        self.call(place, function, None, dot, given)
    }

    /// `and` and `or` evaluate up to the argument that decides.
    fn short_circuit(
        &mut self,
        function: &'static Function,
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        self.check_count(function, given)?;
        let decides = function.name == OR;
        let mut last = Slot::Invalid;
        for operand in given.operands {
            last = self.reflected(operand, dot)?;
            if last.truth() == decides {
                return Ok(last);
            }
        }
        Ok(given.piped.cloned().unwrap_or(last))
    }

    fn check_count(&self, function: &Function, given: Given<'t, 's, '_>) -> Result<(), RenderError> {
        let got = given.operands.len() + usize::from(given.piped.is_some());
        let want = function.parameters.len();
        let name = function.name;
        match function.rest {
            Some(_) if got < want => {
                // Go does not count the value that is piped in.
                let got = given.operands.len();
                Err(self.error(format_args!("wrong number of args for {name}: want at least {want} got {got}")))
            }
            None if got != want => {
                Err(self.error(format_args!("wrong number of args for {name}: want {want} got {got}")))
            }
            _ => Ok(()),
        }
    }

    /// Calls with finished arguments, and accounts for reading and writing texts.
    fn invoke(&mut self, function: &Function, arguments: &[Value]) -> Result<Value, FunctionError> {
        for argument in arguments {
            if let Value::Text(text) = argument {
                self.context.read(text.len())?;
            }
        }
        let value = (function.call)(self.context, Arguments(arguments))?;
        if let Value::Text(text) = &value {
            self.context.allocate(text.len())?;
        }
        Ok(value)
    }

    /// Calls a function, or a method of `receiver`.
    fn call(
        &mut self,
        place: Place<'t, 's>,
        function: &'static Function,
        receiver: Option<Value>,
        dot: &Slot,
        given: Given<'t, 's, '_>,
    ) -> Result<Slot, RenderError> {
        self.check_count(function, given)?;
        let mut arguments: Vec<Value> = receiver.into_iter().collect();
        let parameters = function.parameters.iter().copied().chain(std::iter::repeat_with(|| function.rest).flatten());
        let mut parameters = parameters;
        for operand in given.operands {
            let parameter = parameters.next().unwrap_or(Parameter::Any);
            let argument = self.argument(operand, parameter, dot)?;
            arguments.push(argument);
        }
        if let Some(piped) = given.piped {
            let parameter = parameters.next().unwrap_or(Parameter::Any);
            let argument = self.converted(piped.clone(), parameter)?;
            arguments.push(argument);
        }
        match self.invoke(function, &arguments) {
            Ok(value) => Ok(Slot::from(value)),
            Err(error) => {
                self.place = place;
                let calling = format!("{}: error calling {}", self.location(), function.name);
                Err(RenderError::calling(calling, error))
            }
        }
    }
}
