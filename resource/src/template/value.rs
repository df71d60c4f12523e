//! The values that templates compute with: Go's types, as far as a template can tell them apart.

use std::fmt;
use std::rc::Rc;

use super::list::List;
use super::map::Map;
use super::named::Named;
use super::object::Object;
use super::text::Text;

/// A value of the template language.
#[derive(Clone)]
pub enum Value {
    /// Go's nil in an interface.
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`: literals, `len`, counts.
    Int(i64),
    /// `int64`: what Sprig's arithmetic gives.
    Int64(i64),
    /// `uint8`: a byte of a string, by `index`.
    Uint8(u8),
    /// `uint32`: only as a parameter.
    Uint32(u32),
    /// `uint64`: the numbers of a version.
    Uint64(u64),
    /// `float64`
    Float(f64),
    /// `complex128`: only as a literal.
    Complex(f64, f64),
    /// A whole number of a named type, such as `time.Duration`.
    Named(Named, i64),
    /// `string`
    Text(Text),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A struct or a pointer to one: a time, a version, a certificate.
    Object(Rc<dyn Object>),
}

/// Go's kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Uint8,
    Uint32,
    Uint64,
    Float64,
    Complex128,
    String,
    Slice,
    Map,
    Struct,
    Pointer,
}

impl Kind {
    /// Go's word for the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int64 => "int64",
            Kind::Uint8 => "uint8",
            Kind::Uint32 => "uint32",
            Kind::Uint64 => "uint64",
            Kind::Float64 => "float64",
            Kind::Complex128 => "complex128",
            Kind::String => "string",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Struct => "struct",
            Kind::Pointer => "ptr",
        }
    }
}

impl Value {
    /// A string.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Value {
        Value::Text(text.into())
    }

    /// A `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::any(items))
    }

    /// Go's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Value::Nil => Kind::Invalid,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Int64(_) => Kind::Int64,
            Value::Uint8(_) => Kind::Uint8,
            Value::Uint32(_) => Kind::Uint32,
            Value::Uint64(_) => Kind::Uint64,
            Value::Float(_) => Kind::Float64,
            Value::Complex(..) => Kind::Complex128,
            Value::Named(named, _) => named.kind(),
            Value::Text(_) => Kind::String,
            Value::List(_) => Kind::Slice,
            Value::Map(_) => Kind::Map,
            Value::Object(object) => object.kind(),
        }
    }

    /// Go's type name as `%T` prints it, `<nil>` for nil.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Named(named, _) => named.type_name(),
            Value::List(list) => list.element().slice_type(),
            Value::Map(map) => map.type_name(),
            Value::Object(object) => object.type_name(),
            plain => plain.kind().name(),
        }
    }

    /// The signed whole number, of any signed type.
    #[must_use]
    pub fn as_signed(&self) -> Option<i64> {
        match self {
            Value::Int(number) | Value::Int64(number) | Value::Named(_, number) => Some(*number),
            _ => None,
        }
    }

    /// The unsigned whole number, of any unsigned type.
    #[must_use]
    pub fn as_unsigned(&self) -> Option<u64> {
        match self {
            Value::Uint8(number) => Some(u64::from(*number)),
            Value::Uint32(number) => Some(u64::from(*number)),
            Value::Uint64(number) => Some(*number),
            _ => None,
        }
    }

    /// What `if` and `and` take for true: not nil, not zero, not empty. Structs always are.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Float(number) => *number != 0.0,
            Value::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(_) => true,
            number => number.as_signed().is_some_and(|n| n != 0) || number.as_unsigned().is_some_and(|n| n != 0),
        }
    }
}

/// Drops values without recursion: a template can nest lists and maps as deep as its steps allow.
pub(super) fn release(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => pending.append(&mut list.take_if_last()),
            Value::Map(map) => pending.append(&mut map.take_if_last()),
            _ => {}
        }
    }
}

/// Values are decrypted: only their types are shown.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(<{}, redacted>)", self.type_name())
    }
}
