//! How values of every type answer to the verbs.

use super::printer::Printer;
use super::quote;
use crate::template::limits::Limit;
use crate::template::list::{Element, List};
use crate::template::map::Map;
use crate::template::object::Object;
use crate::template::text::Text;
use crate::template::value::{Kind, Value};

impl Printer<'_, '_> {
    /// An argument of `Sprintf`.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Result<(), Limit> {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.string(value.type_name().as_bytes()),
            (Value::List(_) | Value::Map(_), 'p') => self.bad_verb(value, verb),
            _ => self.value(value, verb, false),
        }
    }

    /// A value, alone or as an element.
    fn value(&mut self, value: &Value, verb: char, inside: bool) -> Result<(), Limit> {
        self.context.spend(1)?;
        match value {
            Value::Nil if inside && self.flags.go_syntax => self.write(b"interface {}(nil)"),
            Value::Nil => self.write(b"<nil>"),
            Value::Bool(truth) => match verb {
                't' | 'v' => self.pad(if *truth { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Float(number) => self.float_verb(value, *number, verb),
            Value::Complex(re, im) => self.complex(value, (*re, *im), verb),
            Value::Text(text) => self.text_verb(value, text, verb),
            Value::List(list) => self.list(list, verb),
            Value::Map(map) => self.map(map, verb),
            Value::Object(object) => self.object(value, object.as_ref(), verb),
            Value::Named(named, number) if takes_text(verb) && !self.erring && !self.flags.go_syntax => {
                let text = Text::from(named.text(*number));
                self.text_verb(value, &text, verb)
            }
            Value::Int(number) | Value::Int64(number) | Value::Named(_, number) => {
                self.integer_verb(value, *number < 0, number.unsigned_abs(), verb)
            }
            Value::Uint8(_) | Value::Uint32(_) | Value::Uint64(_) => {
                let number = value.as_unsigned().unwrap_or_default();
                if verb == 'v' && self.flags.go_syntax {
                    return self.go_syntax_unsigned(number);
                }
                self.integer_verb(value, false, number, verb)
            }
        }
    }

    fn integer_verb(&mut self, value: &Value, negative: bool, magnitude: u64, verb: char) -> Result<(), Limit> {
        let code = if negative { u64::MAX } else { magnitude };
        match verb {
            'v' => self.integer(negative, magnitude, 'd'),
            'd' | 'b' | 'o' | 'O' | 'x' | 'X' => self.integer(negative, magnitude, verb),
            'c' => self.character(code),
            'q' => {
                let text = quote::quoted_character(code, self.flags.plus);
                self.pad(text.as_bytes())
            }
            // Go takes the two's complement of a negative number for the code point.
            'U' => self.unicode(if negative { magnitude.wrapping_neg() } else { magnitude }),
            _ => self.bad_verb(value, verb),
        }
    }

    fn go_syntax_unsigned(&mut self, number: u64) -> Result<(), Limit> {
        let sharp = std::mem::replace(&mut self.flags.sharp, true);
        let result = self.integer(false, number, 'x');
        self.flags.sharp = sharp;
        result
    }

    fn float_verb(&mut self, value: &Value, number: f64, verb: char) -> Result<(), Limit> {
        match verb {
            'v' => self.float(number, 'g'),
            'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'e' | 'E' | 'F' => self.float(number, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn complex(&mut self, value: &Value, (re, im): (f64, f64), verb: char) -> Result<(), Limit> {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.write(b"(")?;
        self.float_verb(value, re, verb)?;
        self.flags.plus = true;
        self.float_verb(value, im, verb)?;
        self.flags.plus = plus;
        self.write(b"i)")
    }

    fn text_verb(&mut self, value: &Value, text: &[u8], verb: char) -> Result<(), Limit> {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'v' | 's' => self.string(text),
            'q' => self.quoted(text),
            'x' | 'X' => self.hexadecimal(text, verb == 'X'),
            _ => self.bad_verb(value, verb),
        }
    }

    fn list(&mut self, list: &List, verb: char) -> Result<(), Limit> {
        let go_syntax = self.flags.go_syntax;
        if go_syntax {
            self.write(list.element().slice_type().as_bytes())?;
            if list.is_nil() {
                return self.write(b"(nil)");
            }
        }
        let (open, between, close) = if go_syntax { ("{", ", ", "}") } else { ("[", " ", "]") };
        self.write(open.as_bytes())?;
        self.nested(|printer| {
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    printer.write(between.as_bytes())?;
                }
                printer.value(&item, verb, list.element() == Element::Any)?;
            }
            Ok(())
        })?;
        self.write(close.as_bytes())
    }

    fn map(&mut self, map: &Map, verb: char) -> Result<(), Limit> {
        let go_syntax = self.flags.go_syntax;
        if go_syntax {
            self.write(map.type_name().as_bytes())?;
        }
        let (open, between, close) = if go_syntax { ("{", ", ", "}") } else { ("map[", " ", "]") };
        self.write(open.as_bytes())?;
        self.nested(|printer| {
            for (index, (key, item)) in map.to_entries().into_iter().enumerate() {
                if index > 0 {
                    printer.write(between.as_bytes())?;
                }
                printer.value(&Value::Text(key), verb, false)?;
                printer.write(b":")?;
                printer.value(&item, verb, true)?;
            }
            Ok(())
        })?;
        self.write(close.as_bytes())
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char) -> Result<(), Limit> {
        let go_syntax = self.flags.go_syntax;
        let text = if go_syntax { object.go_text() } else { object.text() };
        if let Some(text) = text.filter(|_| !self.erring && takes_text(verb)) {
            return if go_syntax { self.string(&text) } else { self.text_verb(value, &text, verb) };
        }
        if object.kind() == Kind::Pointer {
            self.write(b"&")?;
        }
        if go_syntax {
            self.write(object.type_name().trim_start_matches('*').as_bytes())?;
        }
        self.write(b"{")?;
        self.nested(|printer| {
            for (index, (name, field)) in object.fields().into_iter().enumerate() {
                if index > 0 {
                    printer.write(if go_syntax { b", " } else { b" " })?;
                }
                if go_syntax || printer.flags.names {
                    printer.write(name.as_bytes())?;
                    printer.write(b":")?;
                }
                printer.value(&field, verb, false)?;
            }
            Ok(())
        })?;
        self.write(b"}")
    }

    /// `%!verb(type=value)`
    fn bad_verb(&mut self, value: &Value, verb: char) -> Result<(), Limit> {
        let before = std::mem::replace(&mut self.erring, true);
        self.write(format!("%!{verb}(").as_bytes())?;
        if let Value::Nil = value {
            self.write(b"<nil>")?;
        } else {
            self.write(value.type_name().as_bytes())?;
            self.write(b"=")?;
            self.value(value, 'v', false)?;
        }
        self.write(b")")?;
        self.erring = before;
        Ok(())
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Result<(), Limit>) -> Result<(), Limit> {
        self.context.enter()?;
        let result = inner(self);
        self.context.leave();
        result
    }
}

/// The verbs for which Go calls the `String` method.
fn takes_text(verb: char) -> bool {
    matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
}
