//! Structs of the template language.

use std::any::Any;
use std::rc::Rc;

use super::function::Function;
use super::named::Named;
use super::text::Text;
use super::value::{Kind, Value};

/// A Go struct, or a pointer to one: times, versions, certificates.
pub trait Object: Any {
    /// Go's name of the type, such as `time.Time` or `*semver.Version`.
    fn type_name(&self) -> &'static str;

    /// [`Kind::Struct`] or [`Kind::Pointer`].
    fn kind(&self) -> Kind;

    /// What its `String` or `Error` method gives; `None` when the type has neither and prints by its fields.
    fn text(&self) -> Option<Text> {
        None
    }

    /// What its `GoString` method gives, for `%#v`.
    fn go_text(&self) -> Option<Text> {
        None
    }

    /// What its `MarshalJSON` method gives; `None` when JSON has its fields.
    fn json(&self) -> Option<Value> {
        None
    }

    /// What a deep copy is, which has only the exported fields; `None` when nothing is lost.
    fn copied(&self) -> Option<Value> {
        None
    }

    /// The fields in order. Those with a lower-case name are not exported: `%v` shows them, templates cannot read them.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The exported methods. Each is called with the object as first argument, before the declared parameters.
    fn methods(&self) -> &'static [Function] {
        &[]
    }

    /// Go's `DeepEqual` with an object of any type.
    fn equals(&self, other: &dyn Object) -> bool;

    /// For downcasts: always `self`.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// The object as its Rust type.
    #[must_use]
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        match self {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// An object.
    #[must_use]
    pub fn object(object: impl Object) -> Value {
        Value::Object(Rc::new(object))
    }
}

/// The methods that Go's method set gives `value`.
#[must_use]
pub fn methods_of(value: &Value) -> &'static [Function] {
    match value {
        Value::Object(object) => object.methods(),
        Value::Named(named, _) => named.methods(),
        _ => &[],
    }
}

impl Named {
    /// The exported methods of the type, called like those of [`Object::methods`].
    fn methods(self) -> &'static [Function] {
        super::functions::methods_of_named(self)
    }
}
