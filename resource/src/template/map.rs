//! Maps of the template language.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};

use super::text::Text;
use super::value::{Value, release};

/// A Go map with string keys, shared by all its clones; walks its keys in order, where Go's order is random.
#[derive(Clone)]
pub struct Map {
    of_text: bool,
    entries: Rc<Entries>,
}

/// The shared entries; a type of its own so that dropping a long chain of nested maps needs no recursion.
pub(super) struct Entries(RefCell<BTreeMap<Text, Value>>);

/// What is left to do for a map that was changed after it was made: such maps can hold themselves.
pub(super) struct Changed(Weak<Entries>);

impl Map {
    /// `map[string]interface {}`.
    #[must_use]
    pub fn any(entries: BTreeMap<Text, Value>) -> Map {
        Map { of_text: false, entries: Rc::new(Entries(RefCell::new(entries))) }
    }

    /// `map[string]string`, from `split` and `splitn`, and the root.
    #[must_use]
    pub fn texts(entries: impl IntoIterator<Item = (Text, Text)>) -> Map {
        let entries = entries.into_iter().map(|(key, value)| (key, Value::Text(value))).collect();
        Map { of_text: true, entries: Rc::new(Entries(RefCell::new(entries))) }
    }

    /// Whether the values are strings by type (`map[string]string`).
    #[must_use]
    pub fn is_of_text(&self) -> bool {
        self.of_text
    }

    /// Go's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        if self.of_text { "map[string]string" } else { "map[string]interface {}" }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.0.borrow().len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.0.borrow().is_empty()
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.0.borrow().get(key).cloned()
    }

    /// Whether `key` is there.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.entries.0.borrow().contains_key(key)
    }

    /// The keys in order.
    #[must_use]
    pub fn keys(&self) -> Vec<Text> {
        self.entries.0.borrow().keys().cloned().collect()
    }

    /// A copy of the entries (nested maps and lists stay shared).
    #[must_use]
    pub fn to_entries(&self) -> BTreeMap<Text, Value> {
        self.entries.0.borrow().clone()
    }

    /// Whether both are one map.
    #[must_use]
    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }

    /// Changes the map for every holder; [`super::Context::set`] is the way in, as it knows which maps to take apart.
    pub(super) fn insert(&self, key: Text, value: Value) -> Changed {
        let old = self.entries.0.borrow_mut().insert(key, value);
        drop(old);
        Changed(Rc::downgrade(&self.entries))
    }

    /// Removes an entry for every holder.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.entries.0.borrow_mut().remove(key)
    }

    /// The values, when nobody else holds the map.
    pub(super) fn take_if_last(self) -> Vec<Value> {
        let entries = Rc::try_unwrap(self.entries).ok();
        entries.map_or_else(Vec::new, |entries| entries.0.take().into_values().collect())
    }
}

impl Changed {
    /// Empties the map if it still exists, so that no circle of maps outlives its template.
    pub(super) fn take_apart(&self) {
        if let Some(entries) = self.0.upgrade() {
            release(entries.0.take().into_values().collect());
        }
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        release(std::mem::take(self.0.get_mut()).into_values().collect());
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} of {} entries, redacted)", self.type_name(), self.len())
    }
}
