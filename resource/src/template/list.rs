//! Slices of the template language.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::text::Text;
use super::value::{Value, release};

/// What Go's type of a slice says about its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `[]interface {}`, from `list` and most list functions.
    Any,
    /// `[]string`, from `splitList`, `keys`, `regexFindAll`, …
    Text,
    /// `[]int`, from `until` and `untilStep`.
    Int,
    /// `[][]interface {}`, from `chunk`.
    List,
}

impl Element {
    /// Go's name of the slice type.
    #[must_use]
    pub fn slice_type(self) -> &'static str {
        match self {
            Element::Any => "[]interface {}",
            Element::Text => "[]string",
            Element::Int => "[]int",
            Element::List => "[][]interface {}",
        }
    }
}

/// A Go slice: a window on shared elements. Clones and windows see each other's changes (`sortAlpha` works in place).
#[derive(Clone)]
pub struct List {
    element: Element,
    items: Rc<Items>,
    start: usize,
    len: usize,
    nil: bool,
}

/// The shared elements; a type of its own so that dropping a long chain of nested lists needs no recursion.
pub(super) struct Items(pub(super) RefCell<Vec<Value>>);

impl List {
    /// `[]interface {}`.
    #[must_use]
    pub fn any(items: Vec<Value>) -> List {
        List::new(Element::Any, items)
    }

    /// `[]string`.
    #[must_use]
    pub fn texts<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> List {
        List::new(Element::Text, items.into_iter().map(|text| Value::Text(text.into())).collect())
    }

    /// `[]int`.
    #[must_use]
    pub fn ints(items: impl IntoIterator<Item = i64>) -> List {
        List::new(Element::Int, items.into_iter().map(Value::Int).collect())
    }

    /// `[][]interface {}`.
    #[must_use]
    pub fn lists(items: impl IntoIterator<Item = List>) -> List {
        List::new(Element::List, items.into_iter().map(Value::List).collect())
    }

    /// Elements that already are of the element type.
    #[must_use]
    pub fn new(element: Element, items: Vec<Value>) -> List {
        let len = items.len();
        List { element, items: Rc::new(Items(RefCell::new(items))), start: 0, len, nil: false }
    }

    /// Go's nil slice: prints `[]` like an empty one, and is `null` in JSON.
    #[must_use]
    pub fn nil(element: Element) -> List {
        List { nil: true, ..List::new(element, Vec::new()) }
    }

    /// Whether this is Go's nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.nil
    }

    /// What the elements are.
    #[must_use]
    pub fn element(&self) -> Element {
        self.element
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Value> {
        if index >= self.len {
            return None;
        }
        self.items.0.borrow().get(self.start + index).cloned()
    }

    /// A copy of the elements (the elements themselves stay shared).
    #[must_use]
    pub fn to_vec(&self) -> Vec<Value> {
        self.items.0.borrow()[self.start..self.start + self.len].to_vec()
    }

    /// The elements one after the other, as they are when each is asked for.
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        (0..self.len).filter_map(|index| self.get(index))
    }

    /// Go's `l[from:to]`: a window that shares the elements; `None` when out of range.
    #[must_use]
    pub fn window(&self, from: usize, to: usize) -> Option<List> {
        if from > to || to > self.len {
            return None;
        }
        Some(List { items: Rc::clone(&self.items), start: self.start + from, len: to - from, ..*self })
    }

    /// As [`List::window`], but beyond the end there may be elements of the list that this one is a window on: Go's
    /// slices grow into those.
    #[must_use]
    pub fn reach(&self, from: usize, to: usize) -> Option<List> {
        let reachable = self.items.0.borrow().len() - self.start;
        List { len: reachable, ..self.clone() }.window(from, to)
    }

    /// Sorts the elements where they are, for every holder of this slice. Only for slices of strings.
    pub fn sort_texts_in_place(&self) {
        let mut items = self.items.0.borrow_mut();
        items[self.start..self.start + self.len].sort_by(|a, b| match (a, b) {
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            _ => std::cmp::Ordering::Equal,
        });
    }

    /// Whether both are the same window on the same elements.
    #[must_use]
    pub fn same(&self, other: &List) -> bool {
        Rc::ptr_eq(&self.items, &other.items) && self.start == other.start && self.len == other.len
    }

    /// The elements, when nobody else holds them.
    pub(super) fn take_if_last(self) -> Vec<Value> {
        Rc::try_unwrap(self.items).map_or_else(|_| Vec::new(), |items| std::mem::take(&mut *items.0.borrow_mut()))
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        release(std::mem::take(self.0.get_mut()));
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({} of {} elements, redacted)", self.element.slice_type(), self.len)
    }
}
