//! Takes entries out of a map.

use super::changes::Change;
use super::entries::Shape;
use super::plan::{At, Plan, Splice};
use super::syntax::{Kind, Pair, Syntax};
use super::{EditError, Obstacle};
use crate::document::lines::{behind_blank_lines, ends_here, indent, line_start, skip_blanks, usual_break};

impl Plan<'_> {
    /// Removes the marked entries. If none is left, `added` take their place, or `{}` does.
    pub(super) fn remove(
        &mut self,
        syntax: &Syntax,
        removed: &[bool],
        added: &[(&str, &Change)],
        shape: &Shape,
        at: At<'_>,
    ) -> Result<(), EditError> {
        let Kind::Map { pairs, .. } = &syntax.kind else {
            return Ok(());
        };
        let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else {
            return Ok(());
        };
        let all = self.pair_start(first)..self.pair_end(last);
        if removed.iter().all(|removed| *removed) {
            return self.replace_all(all, added, shape, at);
        }
        match shape {
            Shape::Block { .. } => self.remove_lines(pairs, removed),
            Shape::Flow(_) => self.remove_from_brackets(pairs, removed),
        }
        .ok_or(at.error(Obstacle::Unusual))
    }

    fn replace_all(
        &mut self,
        all: std::ops::Range<usize>,
        added: &[(&str, &Change)],
        shape: &Shape,
        at: At<'_>,
    ) -> Result<(), EditError> {
        let (range, new) = match shape {
            Shape::Block { column } if !added.is_empty() => {
                let eol = usual_break(self.text, all.start);
                let lines = self.block_lines(added, *column, at)?.join(eol);
                (all, lines.trim_start_matches(' ').to_owned())
            }
            Shape::Block { .. } => {
                let before = self.text[..all.start].trim_end();
                // `key:` and the entries below it become `key: {}`.
                if before.ends_with(':') { (before.len()..all.end, " {}".to_owned()) } else { (all, "{}".to_owned()) }
            }
            Shape::Flow(style) if !added.is_empty() => {
                let eol = usual_break(self.text, all.start);
                let separator = style.indent.as_ref().map(|indent| format!(",{eol}{indent}"));
                let entries = self.flow_entries(added, style, at)?;
                (all, entries.join(separator.as_ref().unwrap_or(&style.comma)))
            }
            Shape::Flow(_) => {
                let behind = skip_blanks(self.text, all.end);
                let end = if self.text[behind..].starts_with(',') { behind + 1 } else { all.end };
                (all.start..end, String::new())
            }
        };
        self.splices.push(Splice { range, new });
        Ok(())
    }

    fn remove_lines(&mut self, pairs: &[Pair], removed: &[bool]) -> Option<()> {
        let kept = removed.iter().position(|removed| !removed)?;
        let first = self.pair_start(&pairs[0]);
        // The first entry of a map behind a `- ` shares its line.
        let shared = kept > 0 && indent(self.text, first).is_none();
        if shared {
            let comments = pairs[..=kept]
                .windows(2)
                .any(|pairs| self.text[self.pair_end(&pairs[0])..self.pair_start(&pairs[1])].contains('#'));
            (!comments).then_some(())?;
            self.delete(first..self.pair_start(&pairs[kept]));
        }
        for index in (if shared { kept } else { 0 }..pairs.len()).filter(|index| removed[*index]) {
            let start = self.pair_start(&pairs[index]);
            let mut lines = self.whole_lines(start, self.pair_end(&pairs[index]));
            let before = (0..index).rev().find(|index| !removed[*index]);
            if let Some(keeps) = before.and_then(|before| self.last_block_scalar(&pairs[before])) {
                if keeps {
                    // They would become part of that value.
                    lines.end = behind_blank_lines(self.text, lines.end);
                }
                if lines.end == self.text.len() {
                    // The line break before belongs to that value.
                    lines.start = line_start(self.text, start);
                }
            }
            self.delete(lines);
        }
        Some(())
    }

    /// Each entry goes with the comma before it, those at the beginning with the one behind. Where a comment stands in
    /// between, which JSON does not have, the entry's own lines go.
    fn remove_from_brackets(&mut self, pairs: &[Pair], removed: &[bool]) -> Option<()> {
        let kept = removed.iter().position(|removed| !removed)?;
        for index in (0..pairs.len()).filter(|index| removed[*index]) {
            let (start, end) = (self.pair_start(&pairs[index]), self.pair_end(&pairs[index]));
            let (range, gap) = if index < kept {
                let next = self.pair_start(&pairs[index + 1]);
                (start..next, end..next)
            } else {
                let before = self.pair_end(&pairs[index - 1]);
                (before..end, before..start)
            };
            if self.text[gap].contains('#') {
                let behind = skip_blanks(self.text, end);
                let end = if self.text[behind..].starts_with(',') { behind + 1 } else { end };
                (indent(self.text, start).is_some() && ends_here(self.text, end)).then_some(())?;
                self.delete(self.whole_lines(start, end));
            } else {
                self.delete(range);
            }
        }
        Some(())
    }
}
