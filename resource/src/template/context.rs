//! What rendering has at hand: the time, randomness, and what is left of the limits.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use sealed_secrets_crypto::Random;

use super::function::FunctionError;
use super::limits::{Limit, Limits};
use super::list::List;
use super::map::{Changed, Map};
use super::print;
use super::text::Text;
use super::value::Value;

/// The surroundings of one rendering, given to every function.
pub struct Context<'a> {
    now: Timestamp,
    random: &'a mut dyn Random,
    /// Says that the caller's time is up; asked every [`STEPS_BETWEEN_LOOKS`] steps.
    stop: &'a dyn Fn() -> bool,
    left: Limits,
    depth_limit: usize,
    /// Maps written to after they were made; they can hold themselves and are emptied at the end.
    changed: Vec<Changed>,
}

/// The clock is a system call away: not at every step.
const STEPS_BETWEEN_LOOKS: u64 = 1024;

/// Bytes that a function reads in about the time of a step.
const BYTES_PER_STEP: usize = 256;

impl<'a> Context<'a> {
    /// A fresh budget.
    #[must_use]
    pub fn new(now: Timestamp, random: &'a mut dyn Random, stop: &'a dyn Fn() -> bool, limits: Limits) -> Context<'a> {
        Context { now, random, stop, left: limits, depth_limit: limits.depth, changed: Vec::new() }
    }

    /// The time at which rendering began; the same for all entries. Local time is UTC, as in the controller's container.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Errors
    /// When the source fails.
    pub fn random(&mut self, bytes: &mut [u8]) -> Result<(), FunctionError> {
        self.random.fill(bytes).map_err(|error| FunctionError::failed(error.to_string()))
    }

    /// The random source, for keys and certificates.
    pub fn random_source(&mut self) -> &mut dyn Random {
        self.random
    }

    /// Accounts for `bytes` about to be built. The result of a call is accounted for by the engine; call this first where
    /// the result may be much larger than the arguments (`repeat`) or where more is built on the way.
    ///
    /// # Errors
    /// [`Limit::Allocated`], before the memory is taken.
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.allocated_bytes = self.left.allocated_bytes.checked_sub(bytes).ok_or(Limit::Allocated)?;
        Ok(())
    }

    /// Accounts for `elements` list elements or map entries about to be built.
    ///
    /// # Errors
    /// [`Limit::Allocated`]
    pub fn allocate_elements(&mut self, elements: usize) -> Result<(), Limit> {
        self.allocate(elements.saturating_mul(std::mem::size_of::<Value>()))
    }

    /// Accounts for `steps` of work: one per element of anything walked.
    ///
    /// # Errors
    /// [`Limit::Steps`], and [`Limit::Time`] when the caller's time is up.
    pub fn spend(&mut self, steps: usize) -> Result<(), Limit> {
        let steps = steps as u64;
        let before = self.left.steps;
        self.left.steps = before.checked_sub(steps).ok_or(Limit::Steps)?;
        if before / STEPS_BETWEEN_LOOKS != self.left.steps / STEPS_BETWEEN_LOOKS && (self.stop)() {
            return Err(Limit::Time);
        }
        Ok(())
    }

    /// Accounts for reading `bytes`, such as those of a text that is searched or compared.
    ///
    /// # Errors
    /// As [`Context::spend`].
    pub fn read(&mut self, bytes: usize) -> Result<(), Limit> {
        self.spend(bytes / BYTES_PER_STEP)
    }

    /// Accounts for one slow call: a key, a certificate, a password hash.
    ///
    /// # Errors
    /// [`Limit::SlowCalls`], and [`Limit::Time`] when the caller's time is up.
    pub fn slow_call(&mut self) -> Result<(), Limit> {
        self.left.slow_calls = self.left.slow_calls.checked_sub(1).ok_or(Limit::SlowCalls)?;
        if (self.stop)() { Err(Limit::Time) } else { Ok(()) }
    }

    /// Runs `inner` one level deeper; every recursive walk over values goes through here.
    ///
    /// # Errors
    /// [`Limit::Depth`], and those of `inner`.
    pub fn deeper<T, E: From<Limit>>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.enter()?;
        let result = inner(self);
        self.leave();
        result
    }

    /// One level deeper; [`Context::leave`] must follow.
    pub(super) fn enter(&mut self) -> Result<(), Limit> {
        self.left.depth = self.left.depth.checked_sub(1).ok_or(Limit::Depth)?;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.left.depth += 1;
    }

    /// Back at the first level, after an error left the levels as they were.
    pub(super) fn surface(&mut self) {
        self.left.depth = self.depth_limit;
    }

    /// Accounts for `bytes` of output.
    pub(super) fn output(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.output_bytes = self.left.output_bytes.checked_sub(bytes).ok_or(Limit::Output)?;
        Ok(())
    }

    /// Bytes that may still be built.
    #[must_use]
    pub fn allocatable(&self) -> usize {
        self.left.allocated_bytes
    }

    /// Levels in use.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth_limit - self.left.depth
    }

    /// Writes `key` into a map that others may hold: the only way to change a map after it was made.
    ///
    /// # Errors
    /// [`Limit::Allocated`]
    pub fn set(&mut self, map: &Map, key: Text, value: Value) -> Result<(), Limit> {
        self.allocate_elements(2)?;
        self.changed.push(map.insert(key, value));
        Ok(())
    }

    /// The value as `fmt.Sprint` and `%v` print it (Sprig's text of any value).
    ///
    /// # Errors
    /// A limit.
    pub fn print(&mut self, value: &Value) -> Result<Text, FunctionError> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            value => Ok(Text::from(print::sprint(self, std::slice::from_ref(value))?)),
        }
    }

    /// As [`Context::print`], for output: no longer than what output is left.
    pub(super) fn print_for_output(&mut self, value: &Value) -> Result<Text, FunctionError> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            value => {
                let room = self.left.output_bytes;
                Ok(Text::from(print::sprint_within(self, value, room)?))
            }
        }
    }

    /// Go's `fmt.Sprintf`.
    ///
    /// # Errors
    /// A limit.
    pub fn printf(&mut self, format: &[u8], arguments: &[Value]) -> Result<Text, FunctionError> {
        Ok(Text::from(print::sprintf(self, format, arguments)?))
    }

    /// Go's `reflect.DeepEqual`: types, kinds and contents are the same.
    ///
    /// # Errors
    /// A limit.
    pub fn deep_equal(&mut self, a: &Value, b: &Value) -> Result<bool, Limit> {
        self.spend(1)?;
        match (a, b) {
            (Value::Nil, Value::Nil) => Ok(true),
            (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
            (Value::Float(a), Value::Float(b)) => Ok(a == b),
            (Value::Complex(a, x), Value::Complex(b, y)) => Ok(a == b && x == y),
            (Value::Text(a), Value::Text(b)) => {
                self.read(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Value::List(a), Value::List(b)) => self.lists_equal(a, b),
            (Value::Map(a), Value::Map(b)) => self.maps_equal(a, b),
            (Value::Object(a), Value::Object(b)) => Ok(a.equals(b.as_ref())),
            (a, b) if a.type_name() != b.type_name() => Ok(false),
            (a, b) => Ok(a.as_signed() == b.as_signed() && a.as_unsigned() == b.as_unsigned()),
        }
    }

    fn lists_equal(&mut self, a: &List, b: &List) -> Result<bool, Limit> {
        if a.element() != b.element() || a.len() != b.len() || a.is_nil() != b.is_nil() {
            return Ok(false);
        }
        if a.same(b) {
            return Ok(true);
        }
        self.deeper(|context| {
            for (a, b) in a.iter().zip(b.iter()) {
                if !context.deep_equal(&a, &b)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn maps_equal(&mut self, a: &Map, b: &Map) -> Result<bool, Limit> {
        if a.is_of_text() != b.is_of_text() || a.len() != b.len() {
            return Ok(false);
        }
        if a.same(b) {
            return Ok(true);
        }
        self.spend(a.len())?;
        let (a, b): (BTreeMap<Text, Value>, BTreeMap<Text, Value>) = (a.to_entries(), b.to_entries());
        self.deeper(|context| {
            for ((a_key, a), (b_key, b)) in a.iter().zip(b.iter()) {
                if a_key != b_key || !context.deep_equal(a, b)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        for changed in &self.changed {
            changed.take_apart();
        }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("now", &self.now).field("left", &self.left).finish_non_exhaustive()
    }
}
