//! A value and what Go's reflection knows about where it was found; some messages depend on it.

use crate::template::value::Value;

/// What an operand evaluates to.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    /// Nothing at all: a missing key, a template without an argument. Prints `<no value>`.
    Invalid,
    /// Found in an interface: an element of a `[]interface {}` or `map[string]interface {}`.
    Boxed(Value),
    /// A value of its own type, never [`Value::Nil`].
    Plain(Value),
}

impl Slot {
    /// What a pipeline makes of a command's result: the value inside an interface; nil becomes nothing.
    pub(super) fn unboxed(self) -> Slot {
        match self {
            Slot::Boxed(Value::Nil) => Slot::Invalid,
            Slot::Boxed(value) => Slot::Plain(value),
            slot => slot,
        }
    }

    /// The value for a parameter of any type.
    pub(super) fn into_value(self) -> Value {
        match self {
            Slot::Invalid => Value::Nil,
            Slot::Boxed(value) | Slot::Plain(value) => value,
        }
    }

    /// Go's name of the static type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Slot::Invalid => "<nil>",
            Slot::Boxed(_) => "interface {}",
            Slot::Plain(value) => value.type_name(),
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Slot::Invalid => false,
            Slot::Boxed(value) | Slot::Plain(value) => value.truth(),
        }
    }
}

/// A function's result is an interface if it says so in Go; only nil makes a difference.
impl From<Value> for Slot {
    fn from(value: Value) -> Slot {
        if let Value::Nil = value { Slot::Boxed(value) } else { Slot::Plain(value) }
    }
}
