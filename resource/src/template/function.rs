//! What a template function is: a name, the parameter types Go declares, and the Rust function behind it.

use super::context::Context;
use super::limits::Limit;
use super::list::List;
use super::map::Map;
use super::text::Text;
use super::value::Value;

/// One function of a table. Tables are `const`, one per family, and listed in `functions::TABLES`.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// The name templates call it by.
    pub name: &'static str,
    /// Types of the fixed parameters.
    pub parameters: &'static [Parameter],
    /// Type of the parameters of Go's `...`, if it takes any number.
    pub rest: Option<Parameter>,
    /// Whether two calls with the same arguments may differ: random or of the clock.
    pub volatile: bool,
    /// Gets arguments that already have the declared types and number.
    pub call: fn(&mut Context<'_>, Arguments<'_>) -> FunctionResult,
}

/// What a call gives.
pub type FunctionResult = Result<Value, FunctionError>;

impl Function {
    /// A function of exactly these parameters.
    #[must_use]
    pub const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        call: fn(&mut Context<'_>, Arguments<'_>) -> FunctionResult,
    ) -> Function {
        Function { name, parameters, rest: None, volatile: false, call }
    }

    /// A function of these parameters and any number of `rest`.
    #[must_use]
    pub const fn variadic(
        name: &'static str,
        parameters: &'static [Parameter],
        rest: Parameter,
        call: fn(&mut Context<'_>, Arguments<'_>) -> FunctionResult,
    ) -> Function {
        Function { name, parameters, rest: Some(rest), volatile: false, call }
    }

    /// Marks a function of the clock or of randomness.
    #[must_use]
    pub const fn volatile(self) -> Function {
        Function { volatile: true, ..self }
    }
}

/// The Go type of a parameter. Arguments of another type are refused before the call, with Go's words; nothing converts,
/// but literals fit every number type that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `interface {}`: any value; a missing one arrives as [`Value::Nil`].
    Any,
    /// `reflect.Value`, of the language's own functions: as [`Parameter::Any`].
    Reflected,
    /// `string`
    Text,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `uint32`
    Uint32,
    /// `float64`
    Float,
    /// `[]interface {}`; nil arrives as [`Value::Nil`].
    List,
    /// `map[string]interface {}`; nil arrives as [`Value::Nil`].
    Map,
    /// An object type by Go's name, such as `time.Time`; nil arrives as [`Value::Nil`] if the name begins with `*`.
    Object(&'static str),
    /// `time.Duration`
    Duration,
}

impl Parameter {
    /// Go's name of the type.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Parameter::Any => "interface {}",
            Parameter::Reflected => "reflect.Value",
            Parameter::Text => "string",
            Parameter::Bool => "bool",
            Parameter::Int => "int",
            Parameter::Int64 => "int64",
            Parameter::Uint32 => "uint32",
            Parameter::Float => "float64",
            Parameter::List => "[]interface {}",
            Parameter::Map => "map[string]interface {}",
            Parameter::Object(name) => name,
            Parameter::Duration => "time.Duration",
        }
    }
}

/// Why a function failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// The function's own words, as Go's function has them; they may quote values and are shown offline only.
    #[error("{0}")]
    Failed(String),
    /// A bound of ours; names no value.
    #[error("{0}")]
    Limit(Limit),
    /// The function, or this use of it, is left out on purpose; names no value.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl FunctionError {
    /// A failure in the function's own words.
    pub fn failed(text: impl Into<String>) -> FunctionError {
        FunctionError::Failed(text.into())
    }
}

impl From<Limit> for FunctionError {
    fn from(limit: Limit) -> FunctionError {
        FunctionError::Limit(limit)
    }
}

/// The arguments of a call. The accessors fail only where the table declares another type than the function asks for.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a>(pub &'a [Value]);

impl<'a> Arguments<'a> {
    /// Number of arguments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Argument `index`; nil beyond the last.
    #[must_use]
    pub fn value(&self, index: usize) -> &'a Value {
        self.0.get(index).unwrap_or(&Value::Nil)
    }

    /// The arguments from `index` on.
    #[must_use]
    pub fn rest(&self, index: usize) -> &'a [Value] {
        self.0.get(index..).unwrap_or_default()
    }

    /// A [`Parameter::Text`].
    ///
    /// # Errors
    /// When the argument is of another type.
    pub fn text(&self, index: usize) -> Result<&'a Text, FunctionError> {
        match self.value(index) {
            Value::Text(text) => Ok(text),
            _ => Err(FunctionError::Unsupported("the argument is not a string")),
        }
    }

    /// A [`Parameter::Int`], [`Parameter::Int64`], [`Parameter::Uint32`] or [`Parameter::Duration`].
    ///
    /// # Errors
    /// When the argument is of another type.
    pub fn int(&self, index: usize) -> Result<i64, FunctionError> {
        match self.value(index) {
            Value::Uint32(number) => Ok(i64::from(*number)),
            value => value.as_signed().ok_or(FunctionError::Unsupported("the argument is not an integer")),
        }
    }

    /// A [`Parameter::Float`].
    ///
    /// # Errors
    /// When the argument is of another type.
    pub fn float(&self, index: usize) -> Result<f64, FunctionError> {
        match self.value(index) {
            Value::Float(number) => Ok(*number),
            _ => Err(FunctionError::Unsupported("the argument is not a float")),
        }
    }

    /// A [`Parameter::Bool`].
    ///
    /// # Errors
    /// When the argument is of another type.
    pub fn bool(&self, index: usize) -> Result<bool, FunctionError> {
        match self.value(index) {
            Value::Bool(value) => Ok(*value),
            _ => Err(FunctionError::Unsupported("the argument is not a boolean")),
        }
    }

    /// A [`Parameter::List`]; Go's nil slice is `None`.
    ///
    /// # Errors
    /// When the argument is of another type.
    pub fn list(&self, index: usize) -> Result<Option<&'a List>, FunctionError> {
        match self.value(index) {
            Value::Nil => Ok(None),
            Value::List(list) => Ok(Some(list)),
            _ => Err(FunctionError::Unsupported("the argument is not a list")),
        }
    }

    /// A [`Parameter::Map`]; Go's nil map is `None` (reads as empty, fails when written to).
    ///
    /// # Errors
    /// When the argument is of another type.
    pub fn map(&self, index: usize) -> Result<Option<&'a Map>, FunctionError> {
        match self.value(index) {
            Value::Nil => Ok(None),
            Value::Map(map) => Ok(Some(map)),
            _ => Err(FunctionError::Unsupported("the argument is not a map")),
        }
    }
}
