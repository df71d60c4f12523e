//! Replaces one value by another, and keeps what an alias elsewhere stands for.

use std::ops::Range;

use super::changes::NewValue;
use super::plan::{At, Displaced, Plan, Splice};
use super::syntax::{Kind, Pair, Quotes, Syntax};
use super::{EditError, Obstacle};
use crate::document::lines::line_end;
use crate::document::quoting::{push_double, push_single};
use crate::document::{Node, NodeValue};

impl Plan<'_> {
    pub(super) fn replace(
        &mut self,
        pair: &Pair,
        old: &Node,
        new: &NewValue,
        in_flow: bool,
        at: At<'_>,
    ) -> Result<(), EditError> {
        match (&old.value, new) {
            (NodeValue::String(old), NewValue::Text(new)) if old == new => return Ok(()),
            (NodeValue::Bool(old), NewValue::Bool(new)) if old == new => return Ok(()),
            _ => {}
        }
        let value = &pair.value;
        let colon = self.colon(pair).ok_or(at.error(Obstacle::Unusual))?;
        match &value.kind {
            Kind::Map { .. } | Kind::List { .. } => return Err(at.error(Obstacle::NotText(old.kind()))),
            Kind::Empty => {
                let kept = self.replace_properties(value, old, new, at)?;
                let place = if kept { value.properties_end().unwrap_or(colon) } else { colon };
                let new = format!(" {}", self.spell_value(new, Quotes::None, in_flow));
                self.insert(place, new);
            }
            Kind::Alias => {
                let new = self.spell_value(new, Quotes::None, in_flow);
                self.splices.push(Splice { range: value.span.clone(), new });
            }
            Kind::Scalar(quotes) => {
                self.replace_properties(value, old, new, at)?;
                let new = self.spell_value(new, *quotes, in_flow);
                self.splices.push(Splice { range: value.span.clone(), new });
            }
            Kind::BlockScalar => {
                let header = self.block_header(value, colon).ok_or(at.error(Obstacle::Unusual))?;
                self.replace_properties(value, old, new, at)?;
                let first = line_end(self.text, header.end);
                // The blank lines below stay: they separate what follows.
                let last = line_end(self.text, self.text[..value.span.end].trim_end().len());
                if let (Some(start), NewValue::Text(new)) = (self.block_text(&header, first, last), new)
                    && is_word(new)
                {
                    self.splices.push(Splice { range: start..last, new: new.clone() });
                    return Ok(());
                }
                let new = self.spell_value(new, Quotes::None, in_flow);
                self.splices.push(Splice { range: header, new });
                if last > first {
                    self.delete(first..last);
                }
            }
        }
        Ok(())
    }

    /// Where the text of a block scalar begins, if one word can stand there as well: no line break belongs to it.
    fn block_text(&self, header: &Range<usize>, first: usize, last: usize) -> Option<usize> {
        matches!(&self.text[header.clone()], "|-" | ">-").then_some(())?;
        let below = self.text.get(first..last)?;
        let start = first + (below.len() - below.trim_start().len());
        let breaks = self.text[first..start].matches('\n').count();
        (breaks == 1 && start < last).then_some(start)
    }

    /// Takes away a tag that does not fit the new value and an anchor that aliases use. Whether anything was kept.
    fn replace_properties(
        &mut self,
        value: &Syntax,
        old: &Node,
        new: &NewValue,
        at: At<'_>,
    ) -> Result<bool, EditError> {
        let fits = |text: bool| text && matches!(new, NewValue::Text(_));
        let moved = self.displace(value, old, at)?;
        let tag = value.tag.as_ref().filter(|tag| !fits(tag.text)).map(|tag| tag.span.clone());
        let anchor = value.anchor.as_ref().filter(|_| moved).map(|anchor| anchor.span.clone());
        let kept =
            value.tag.iter().filter(|tag| fits(tag.text)).count() + value.anchor.iter().filter(|_| !moved).count();
        for mut span in [tag, anchor].into_iter().flatten() {
            let rest = &self.text[span.end..];
            span.end += rest.len() - rest.trim_start_matches([' ', '\t']).len();
            self.delete(span);
        }
        Ok(kept > 0)
    }

    /// Remembers an anchored value that is about to go, if an alias needs it.
    pub(super) fn displace(&mut self, value: &Syntax, old: &Node, at: At<'_>) -> Result<bool, EditError> {
        let Some(anchor) = &value.anchor else {
            return Ok(false);
        };
        if !self.tree.aliases.iter().any(|alias| alias.anchor == anchor.number) {
            return Ok(false);
        }
        let spelt = [false, true].map(|in_flow| self.spell_again(value, old, in_flow));
        let [Some(block), Some(flow)] = spelt else {
            return Err(at.error(Obstacle::Unusual));
        };
        let name = &self.text[anchor.span.clone()];
        let tag = value.tag.as_ref().map(|tag| format!("{} ", &self.text[tag.span.clone()])).unwrap_or_default();
        let definition = [block, flow].map(|value| format!("{name} {tag}{value}"));
        self.displaced.push(Displaced { anchor: anchor.number, definition });
        Ok(true)
    }

    /// A scalar on one line with the same meaning.
    fn spell_again(&self, value: &Syntax, old: &Node, in_flow: bool) -> Option<String> {
        let written = match value.kind {
            Kind::Empty => Some("null"),
            Kind::Scalar(_) => Some(&self.text[value.span.clone()]).filter(|text| !text.contains(['\n', '\r'])),
            _ => None,
        };
        let bare = matches!(value.kind, Kind::Scalar(Quotes::None) | Kind::BlockScalar);
        match (written, &old.value) {
            (Some(written), NodeValue::String(text))
                if in_flow && bare && written.contains([',', '[', ']', '{', '}']) =>
            {
                let mut out = String::new();
                push_single(&mut out, text);
                Some(out)
            }
            (Some(written), _) => Some(written.to_owned()),
            // The text of `!!binary` is not what is written.
            (None, NodeValue::String(text)) if value.tag.as_ref().is_none_or(|tag| tag.text) => {
                let mut out = String::new();
                push_double(&mut out, text);
                Some(out)
            }
            _ => None,
        }
    }

    /// Gives displaced values to the first alias that is left of each.
    pub(super) fn finish(mut self) -> Result<Vec<Splice>, EditError> {
        for Displaced { anchor, definition: [block, flow] } in std::mem::take(&mut self.displaced) {
            let gone = |at: usize| self.splices.iter().any(|splice| splice.range.contains(&at));
            let mut left = self.tree.aliases.iter().filter(|alias| alias.anchor == anchor && !gone(alias.span.start));
            match left.next() {
                None => {}
                Some(alias) if alias.is_key => return Err(EditError::Unfaithful),
                Some(alias) => {
                    let new = if alias.in_flow { flow } else { block };
                    self.splices.push(Splice { range: alias.span.clone(), new });
                }
            }
        }
        Ok(self.splices)
    }
}

/// Whether a text means itself in a block scalar, as Base64 does.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}
