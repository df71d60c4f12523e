//! What a command line and its environment come to.

use crate::csv;
use crate::duration::GoDuration;
use crate::flag::{Flag, Kind};
use crate::number::{parse_bool, parse_float32, parse_int};
use crate::parse::environment_name;

/// Where the value of a flag comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The table.
    Default,
    /// A variable of the environment.
    Environment,
    /// The command line.
    CommandLine,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Text(String),
    Int(i64),
    Float32(f32),
    Duration(GoDuration),
    List(Vec<String>),
}

impl Value {
    /// Reads the text of a flag; the error is the reason alone.
    pub(crate) fn read(kind: &Kind, text: &str) -> Result<Value, String> {
        match kind {
            Kind::Bool => parse_bool(text).map(Value::Bool),
            Kind::String => Ok(Value::Text(text.to_owned())),
            Kind::Int => parse_int(text, 0, 64).map(Value::Int),
            Kind::Float32 => parse_float32(text).map(Value::Float32),
            Kind::Duration => {
                text.parse().map(Value::Duration).map_err(|error: crate::DurationError| error.to_string())
            }
            Kind::CsvList => csv::record(text).map(Value::List),
            Kind::Array => Ok(Value::List(vec![text.to_owned()])),
            Kind::Choice(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
            Kind::Choice(words) => {
                let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
                Err(format!("must be one of: {}", words.join(", ")))
            }
            Kind::Custom { check, .. } => check(text).map(|()| Value::Text(text.to_owned())),
        }
    }

    /// What a flag holds before anything is read.
    pub(crate) fn zero(kind: &Kind) -> Value {
        match kind {
            Kind::Bool => Value::Bool(false),
            Kind::String | Kind::Choice(_) | Kind::Custom { .. } => Value::Text(String::new()),
            Kind::Int => Value::Int(0),
            Kind::Float32 => Value::Float32(0.0),
            Kind::Duration => Value::Duration(GoDuration::ZERO),
            Kind::CsvList | Kind::Array => Value::List(Vec::new()),
        }
    }

    fn default_of(flag: &Flag) -> Value {
        if flag.default.is_empty() {
            return Value::zero(&flag.kind);
        }
        // A default need not be something that the command line may say: klog's `:0`.
        if let Kind::Custom { .. } = flag.kind {
            return Value::Text(flag.default.to_owned());
        }
        let value = Value::read(&flag.kind, flag.default);
        debug_assert!(value.is_ok(), "the default of --{} does not parse", flag.name);
        value.unwrap_or_else(|_| Value::zero(&flag.kind))
    }
}

/// Typed values of all flags of a table, with their sources, and what else the command line held.
///
/// Asking for a name that is not in the table, or for another kind than it has there, is a mistake in the program: it stops
/// a debug build and gives the zero value otherwise.
#[derive(Clone, Debug)]
pub struct Values {
    table: &'static [Flag],
    slots: Vec<(Value, Source)>,
    pub(crate) positionals: Vec<String>,
    pub(crate) notices: Vec<String>,
}

impl Values {
    pub(crate) fn defaults(table: &'static [Flag]) -> Values {
        let slots = table.iter().map(|flag| (Value::default_of(flag), Source::Default)).collect();
        Values { table, slots, positionals: Vec::new(), notices: Vec::new() }
    }

    /// Stores a value that was read for `flag`; lists from one source append, anything else replaces.
    pub(crate) fn set(&mut self, flag: &Flag, value: Value, source: Source) {
        let Some(index) = self.index(flag.alias_of.unwrap_or(flag.name)) else {
            return;
        };
        let slot = &mut self.slots[index];
        match (&mut slot.0, value) {
            (Value::List(entries), Value::List(more)) if slot.1 == source => entries.extend(more),
            (held, value) => *held = value,
        }
        slot.1 = source;
    }

    /// Value of a boolean flag.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Bool(value)) => *value,
            other => mismatch(name, other, false),
        }
    }

    /// Value of a string, choice or custom flag.
    #[must_use]
    pub fn string(&self, name: &str) -> &str {
        match self.value(name) {
            Some(Value::Text(value)) => value,
            other => mismatch(name, other, ""),
        }
    }

    /// Value of a string flag that may be left away; the empty text is as good as none.
    #[must_use]
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        Some(self.string(name)).filter(|text| !text.is_empty())
    }

    /// Value of an integer flag.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Int(value)) => *value,
            other => mismatch(name, other, 0),
        }
    }

    /// Value of a single-precision flag.
    #[must_use]
    pub fn float32(&self, name: &str) -> f32 {
        match self.value(name) {
            Some(Value::Float32(value)) => *value,
            other => mismatch(name, other, 0.0),
        }
    }

    /// Value of a duration flag.
    #[must_use]
    pub fn duration(&self, name: &str) -> GoDuration {
        match self.value(name) {
            Some(Value::Duration(value)) => *value,
            other => mismatch(name, other, GoDuration::ZERO),
        }
    }

    /// Entries of a list flag.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        match self.value(name) {
            Some(Value::List(entries)) => entries,
            other => mismatch(name, other, &[]),
        }
    }

    /// Where the value of a flag, or of the flag it is an alias of, comes from.
    #[must_use]
    pub fn source(&self, name: &str) -> Source {
        match self.resolve(name) {
            Some(index) => self.slots[index].1,
            None => mismatch(name, None, Source::Default),
        }
    }

    /// The variables of the environment that set a flag: its own and those of its aliases.
    #[must_use]
    pub fn variables(&self, name: &str) -> Vec<String> {
        let names = self.table.iter().filter(|flag| flag.name == name || flag.alias_of == Some(name));
        names.filter(|flag| flag.env).map(|flag| environment_name(flag.name)).collect()
    }

    /// Arguments that are no flags, in order.
    #[must_use]
    pub fn positionals(&self) -> &[String] {
        &self.positionals
    }

    /// Deprecation notices for standard error, one line each.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.resolve(name).map(|index| &self.slots[index].0)
    }

    fn resolve(&self, name: &str) -> Option<usize> {
        let index = self.index(name)?;
        match self.table[index].alias_of {
            Some(target) => self.index(target),
            None => Some(index),
        }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.table.iter().position(|flag| flag.name == name)
    }
}

fn mismatch<T>(name: &str, found: Option<&Value>, fallback: T) -> T {
    debug_assert!(false, "flag --{name} is {}", if found.is_some() { "of another kind" } else { "not in the table" });
    fallback
}
