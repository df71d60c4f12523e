//! What to change, as a tree along the paths.

use serde_json::{Map, Value};

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list, counted from 0.
    Element(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Step {
        Step::Element(index)
    }
}

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewValue {
    /// Text, quoted where it must be.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
}

impl From<&str> for NewValue {
    fn from(text: &str) -> NewValue {
        NewValue::Text(text.to_owned())
    }
}

impl From<bool> for NewValue {
    fn from(value: bool) -> NewValue {
        NewValue::Bool(value)
    }
}

/// Changes of one document. New keys of one map are written in the order in which they were set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub(super) steps: Vec<(Step, Change)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Set(NewValue),
    Remove,
    Inside(Changes),
}

impl Changes {
    /// Sets a value, replacing one that is there. Maps on the way that are absent, null or empty are made.
    pub fn set(&mut self, path: &[Step], value: impl Into<NewValue>) {
        self.put(path, Change::Set(value.into()));
    }

    /// Removes a key with its value; fine if it is not there.
    pub fn remove(&mut self, path: &[Step]) {
        self.put(path, Change::Remove);
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn put(&mut self, path: &[Step], change: Change) {
        let Some((step, rest)) = path.split_first() else {
            return;
        };
        let known = self.steps.iter().position(|(known, _)| known == step);
        let index = known.unwrap_or_else(|| {
            self.steps.push((step.clone(), Change::Inside(Changes::default())));
            self.steps.len() - 1
        });
        let place = &mut self.steps[index].1;
        if rest.is_empty() {
            *place = change;
            return;
        }
        if !matches!(place, Change::Inside(_)) {
            *place = Change::Inside(Changes::default());
        }
        if let Change::Inside(inside) = place {
            inside.put(rest, change);
        }
    }

    /// Whether any value is set, so that maps must exist to hold it.
    pub(super) fn sets_anything(&self) -> bool {
        self.steps.iter().any(|(_, change)| change.sets_anything())
    }

    /// Makes the changes in a value, for comparison. What cannot be changed is left.
    pub(super) fn apply(&self, value: &mut Value) {
        if value.is_null() && self.sets_anything() {
            *value = Value::Object(Map::new());
        }
        for (step, change) in &self.steps {
            match (step, &mut *value) {
                (Step::Key(key), Value::Object(map)) => match change {
                    Change::Remove => {
                        map.shift_remove(key);
                    }
                    Change::Set(new) => {
                        map.insert(key.clone(), new.to_json());
                    }
                    Change::Inside(inside) if inside.sets_anything() => {
                        inside.apply(map.entry(key.clone()).or_insert(Value::Null));
                    }
                    Change::Inside(inside) => {
                        if let Some(value) = map.get_mut(key) {
                            inside.apply(value);
                        }
                    }
                },
                (Step::Element(index), Value::Array(items)) => {
                    if let (Some(item), Change::Inside(inside)) = (items.get_mut(*index), change) {
                        inside.apply(item);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Change {
    pub(super) fn sets_anything(&self) -> bool {
        match self {
            Change::Set(_) => true,
            Change::Remove => false,
            Change::Inside(inside) => inside.sets_anything(),
        }
    }
}

impl NewValue {
    fn to_json(&self) -> Value {
        match self {
            NewValue::Text(text) => Value::String(text.clone()),
            NewValue::Bool(value) => Value::Bool(*value),
        }
    }
}
