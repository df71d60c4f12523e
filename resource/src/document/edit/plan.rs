//! Walks the changes along the tokens and collects what to replace.

use std::ops::{Range, RangeInclusive};

use super::changes::{Change, Changes, Step};
use super::entries::{FlowStyle, Shape};
use super::syntax::{Kind, Pair, Syntax, Tree};
use super::{EditError, Format, Obstacle};
use crate::document::lines::{
    before_break, break_at, ends_here, indent, line_end, line_start, skip_blanks, usual_break,
};
use crate::document::{Node, NodeValue};

/// Bytes to replace, and by what.
#[derive(Debug)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) new: String,
}

/// The replacements for one document, so far.
pub(super) struct Plan<'a> {
    pub(super) text: &'a str,
    pub(super) format: Format,
    pub(super) tree: &'a Tree,
    /// How much deeper a nested block map stands than the one around it.
    pub(super) unit: usize,
    pub(super) splices: Vec<Splice>,
    pub(super) displaced: Vec<Displaced>,
}

/// A value that was anchored and is overwritten; the first alias that is left takes it over.
pub(super) struct Displaced {
    pub(super) anchor: usize,
    /// Anchor and value for a place outside and inside brackets.
    pub(super) definition: [String; 2],
}

/// Where messages say that something is.
#[derive(Clone, Copy)]
pub(super) struct At<'p> {
    pub(super) path: &'p str,
    pub(super) line: u32,
}

impl At<'_> {
    pub(super) fn error(self, obstacle: Obstacle) -> EditError {
        EditError::At { line: self.line, path: self.path.to_owned(), obstacle }
    }
}

impl<'a> Plan<'a> {
    pub(super) fn new(text: &'a str, format: Format, tree: &'a Tree) -> Plan<'a> {
        let mut plan = Plan { text, format, tree, unit: 2, splices: Vec::new(), displaced: Vec::new() };
        plan.unit = plan.deeper(&tree.root).unwrap_or(2);
        plan
    }

    /// Makes changes inside a list or map.
    pub(super) fn change(
        &mut self,
        syntax: &Syntax,
        node: &Node,
        changes: &Changes,
        path: &str,
    ) -> Result<(), EditError> {
        let at = At { path: if path.is_empty() { "the document" } else { path }, line: node.position.line };
        match (&syntax.kind, &node.value) {
            (Kind::Map { .. }, NodeValue::Mapping(_)) => self.change_map(syntax, node, changes, path, at),
            (Kind::List { items, .. }, NodeValue::Sequence(nodes)) => {
                for (step, change) in &changes.steps {
                    let (Step::Element(index), Change::Inside(inside)) = (step, change) else {
                        return Err(at.error(Obstacle::NotAMap("list")));
                    };
                    let (Some(item), Some(node)) = (items.get(*index), nodes.get(*index)) else {
                        return Err(at.error(Obstacle::NoElement));
                    };
                    self.change(item, node, inside, &format!("{path}[{index}]"))?;
                }
                Ok(())
            }
            (Kind::Alias, _) => Err(at.error(Obstacle::Alias)),
            _ => Err(at.error(Obstacle::NotAMap(node.kind()))),
        }
    }

    fn change_map(
        &mut self,
        syntax: &Syntax,
        node: &Node,
        changes: &Changes,
        path: &str,
        at: At<'_>,
    ) -> Result<(), EditError> {
        let (Kind::Map { flow, pairs }, NodeValue::Mapping(entries)) = (&syntax.kind, &node.value) else {
            return Ok(());
        };
        let shape = self.shape(syntax).ok_or(at.error(Obstacle::Unusual))?;
        let (mut added, mut removed) = (Vec::new(), vec![false; pairs.len()]);
        for (step, change) in &changes.steps {
            let Step::Key(key) = step else {
                return Err(at.error(Obstacle::NoElement));
            };
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let entry = entries.iter().find(|entry| entry.key == *key);
            let own = entry.and_then(|entry| Some((syntax.pair_at(&entry.key_node.span)?, &entry.value)));
            let line = entry.map_or(at.line, |entry| entry.value.position.line);
            let here = At { path: &path, line };
            match (own, change) {
                (Some((index, old)), Change::Set(new)) => self.replace(&pairs[index], old, new, *flow, here)?,
                (Some((index, old)), Change::Remove) => {
                    self.displace(&pairs[index].value, old, here)?;
                    removed[index] = true;
                }
                (Some((index, old)), Change::Inside(inside)) => {
                    let pair = &pairs[index];
                    let is_null = matches!(old.value, NodeValue::Null) && !matches!(pair.value.kind, Kind::Alias);
                    if !is_null && !is_empty_map(&pair.value) {
                        self.change(&pair.value, old, inside, &path)?;
                    } else if inside.sets_anything() {
                        self.fill(pair, inside, &shape, here)?;
                    }
                }
                // Inherited; an entry of its own overrides it, unless there is one already that did not.
                (None, Change::Set(_)) if entry.is_none() || !self.has_key(pairs, key) => {
                    added.push((key.as_str(), change));
                }
                (None, _) if entry.is_some() => return Err(here.error(Obstacle::Inherited)),
                (None, _) if change.sets_anything() => added.push((key.as_str(), change)),
                (None, _) => {}
            }
        }
        if removed.contains(&true) {
            self.remove(syntax, &removed, &added, &shape, at)?;
        }
        let mut kept = (0..pairs.len()).filter(|index| !removed[*index]);
        match kept.next() {
            Some(first) if !added.is_empty() => {
                self.append(pairs, first..=kept.next_back().unwrap_or(first), &added, &shape, at)
            }
            _ => Ok(()),
        }
    }

    /// Writes entries behind the last one of a map that stays.
    fn append(
        &mut self,
        pairs: &[Pair],
        kept: RangeInclusive<usize>,
        added: &[(&str, &Change)],
        shape: &Shape,
        at: At<'_>,
    ) -> Result<(), EditError> {
        match shape {
            Shape::Block { column } => {
                let lines = self.block_lines(added, *column, at)?;
                self.append_lines(&pairs[*kept.end()], &pairs[*kept.start()], &lines)
            }
            Shape::Flow(style) => {
                let entries = self.flow_entries(added, style, at)?;
                let tight = kept.end() + 1 < pairs.len();
                self.append_in_brackets(&pairs[*kept.end()], tight, &entries, style);
                Some(())
            }
        }
        .ok_or(at.error(Obstacle::Unusual))
    }

    fn append_lines(&mut self, last: &Pair, first: &Pair, lines: &[String]) -> Option<()> {
        let eol = usual_break(self.text, self.pair_start(last)).to_owned();
        let (value, begin) = self.deepest_last(last)?;
        let end = self.value_end(value, begin);
        let below = lines.iter().map(|line| format!("{eol}{line}")).collect();
        if is_block_scalar(value) {
            let rest = &self.text[end..value.span.end.max(end)];
            if value.span.end == self.text.len() && !rest.starts_with(['\n', '\r']) {
                // A line break behind this last line would become part of the value.
                let start = self.pair_start(first);
                let indent = " ".repeat(self.column(start));
                let lines = lines.join(&eol);
                self.insert(start, format!("{}{eol}{indent}", lines.trim_start_matches(' ')));
                return Some(());
            }
            if self.keeps_line_breaks(value, begin) {
                // All blank lines are part of the value; the last line break is left to end the new lines.
                let end = self.text[..value.span.end].trim_end_matches([' ', '\t']).len();
                self.insert(before_break(self.text, end), below);
                return Some(());
            }
        }
        ends_here(self.text, end).then_some(())?;
        self.insert(line_end(self.text, end), below);
        Some(())
    }

    /// `tight`: the entries behind are being removed, so nothing may be written among them.
    fn append_in_brackets(&mut self, last: &Pair, tight: bool, entries: &[String], style: &FlowStyle) {
        let end = self.pair_end(last);
        let Some(indent) = &style.indent else {
            self.insert(end, entries.iter().map(|entry| format!("{}{entry}", style.comma)).collect());
            return;
        };
        let eol = usual_break(self.text, end);
        let separator = format!("{eol}{indent}");
        let joined = entries.join(&format!(",{separator}"));
        let blanks = self.text[end..].len() - self.text[end..].trim_start_matches([' ', '\t']).len();
        let comma = self.text[end + blanks..].starts_with(',').then_some(end + blanks + 1);
        match comma {
            Some(comma) if !tight && ends_here(self.text, comma) => {
                self.insert(line_end(self.text, comma), format!("{separator}{joined},"));
            }
            None if !tight && ends_here(self.text, end) => {
                self.insert(end, ",".to_owned());
                self.insert(line_end(self.text, end), format!("{separator}{joined}"));
            }
            _ => self.insert(end, format!(",{separator}{joined}")),
        }
    }

    fn has_key(&self, pairs: &[Pair], key: &str) -> bool {
        pairs.iter().any(|pair| self.text[pair.key.span.clone()].trim_matches(['"', '\'']) == key)
    }

    pub(super) fn insert(&mut self, at: usize, new: String) {
        self.splices.push(Splice { range: at..at, new });
    }

    pub(super) fn delete(&mut self, range: Range<usize>) {
        self.splices.push(Splice { range, new: String::new() });
    }

    /// The offset behind the `:` of an entry.
    pub(super) fn colon(&self, pair: &Pair) -> Option<usize> {
        let at = skip_blanks(self.text, pair.key.span.end);
        self.text[at..].starts_with(':').then_some(at + 1)
    }

    /// Where an entry begins, its `?` included.
    pub(super) fn pair_start(&self, pair: &Pair) -> usize {
        let start = pair.key.start();
        let before = self.text[..start].trim_end_matches([' ', '\t']);
        if before.len() < start && before.ends_with('?') { before.len() - 1 } else { start }
    }

    /// Where an entry ends, without blanks, comments and separators behind it.
    pub(super) fn pair_end(&self, pair: &Pair) -> usize {
        self.deepest_last(pair).map_or(pair.key.span.end, |(value, begin)| self.value_end(value, begin))
    }

    /// Whether an entry ends in a block scalar, and if so, whether blank lines behind it are part of it.
    pub(super) fn last_block_scalar(&self, pair: &Pair) -> Option<bool> {
        let (value, begin) = self.deepest_last(pair).filter(|(value, _)| is_block_scalar(value))?;
        Some(self.keeps_line_breaks(value, begin))
    }

    pub(super) fn column(&self, at: usize) -> usize {
        self.text[line_start(self.text, at)..at].chars().count()
    }

    /// The token that ends an entry, and an offset between which and the token nothing but its properties stands.
    fn deepest_last<'s>(&self, pair: &'s Pair) -> Option<(&'s Syntax, usize)> {
        let (mut value, mut begin) = (&pair.value, self.colon(pair).unwrap_or(pair.key.span.end));
        loop {
            match &value.kind {
                Kind::Map { flow: false, pairs } => {
                    let pair = pairs.last().filter(|pair| !is_block_scalar(&pair.key))?;
                    (value, begin) = (&pair.value, self.colon(pair).unwrap_or(pair.key.span.end));
                }
                Kind::List { flow: false, items } => {
                    value = items.last()?;
                    begin = self.text[..value.start()].trim_end().len();
                }
                _ => return Some((value, begin)),
            }
        }
    }

    fn value_end(&self, value: &Syntax, begin: usize) -> usize {
        match value.kind {
            Kind::Empty => value.properties_end().unwrap_or(begin),
            Kind::BlockScalar => line_end(self.text, self.text[..value.span.end].trim_end().len()),
            _ => value.span.end,
        }
    }

    /// Whether the line breaks behind a block scalar are part of it (`|+`).
    fn keeps_line_breaks(&self, value: &Syntax, begin: usize) -> bool {
        self.block_header(value, begin).is_none_or(|header| self.text[header].contains('+'))
    }

    /// The `|`, `>-`, … of a block scalar.
    pub(super) fn block_header(&self, value: &Syntax, begin: usize) -> Option<Range<usize>> {
        let start = skip_blanks(self.text, value.properties_end().unwrap_or(begin));
        let rest = self.text[start..].strip_prefix(['|', '>'])?;
        let bare = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || "+-".contains(letter));
        Some(start..self.text.len() - bare.len())
    }

    /// How much deeper the first nested block map stands than the one around it.
    fn deeper(&self, syntax: &Syntax) -> Option<usize> {
        let Kind::Map { flow: false, pairs } = &syntax.kind else {
            return None;
        };
        let column = self.column(self.pair_start(pairs.first()?));
        pairs.iter().find_map(|pair| match &pair.value.kind {
            Kind::Map { flow: false, pairs } => {
                self.column(self.pair_start(pairs.first()?)).checked_sub(column).filter(|unit| *unit > 0)
            }
            _ => None,
        })
    }

    /// How entries of a map are written.
    fn shape(&self, syntax: &Syntax) -> Option<Shape> {
        let Kind::Map { flow, pairs } = &syntax.kind else {
            return None;
        };
        let (first, last) = (pairs.first()?, pairs.last()?);
        if !flow {
            // `? |`: where such an entry begins and ends cannot be told.
            (!pairs.iter().any(|pair| is_block_scalar(&pair.key))).then_some(())?;
            return Some(Shape::Block { column: self.column(self.pair_start(first)) });
        }
        // Without brackets it is `[a: b]`, where no second entry can stand.
        self.text[syntax.span.start..].starts_with('{').then_some(())?;
        let start = self.pair_start(last);
        let own_line = line_start(self.text, start) > syntax.span.start;
        let indent = indent(self.text, start).filter(|_| own_line).map(str::to_owned);
        Some(Shape::Flow(FlowStyle { indent, ..self.flow_style(pairs, last) }))
    }

    /// The lines from `start` to `end` with the line break before them, so that what is inserted at the end of the last
    /// one stands outside.
    pub(super) fn whole_lines(&self, start: usize, end: usize) -> Range<usize> {
        let (start, end) = (line_start(self.text, start), line_end(self.text, end));
        let before = before_break(self.text, start);
        if before < start { before..end } else { start..end + break_at(self.text, end).len() }
    }
}

fn is_block_scalar(syntax: &Syntax) -> bool {
    matches!(syntax.kind, Kind::BlockScalar)
}

/// `{}`, whatever blanks or comments are inside.
pub(super) fn is_empty_map(value: &Syntax) -> bool {
    matches!(&value.kind, Kind::Map { pairs, .. } if pairs.is_empty())
}
