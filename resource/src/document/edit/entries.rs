//! Spells new entries as those around them are spelt.

use super::changes::{Change, Changes, NewValue, Step};
use super::plan::{At, Plan, Splice};
use super::syntax::{Kind, Pair, Quotes};
use super::{EditError, Format, Obstacle};
use crate::document::lines::{ends_here, indent, line_end, usual_break};
use crate::document::quoting::{Style, push_double, push_single, style};

/// How the entries of a map stand.
pub(super) enum Shape {
    /// One below the other, without brackets.
    Block { column: usize },
    /// In braces.
    Flow(FlowStyle),
}

pub(super) struct FlowStyle {
    /// What stands before an entry where each has a line of its own.
    pub(super) indent: Option<String>,
    pub(super) colon: String,
    pub(super) comma: String,
    pub(super) key_quotes: Quotes,
    pub(super) value_quotes: Quotes,
}

impl Plan<'_> {
    /// Puts entries into a map that is `{}` or null so far.
    pub(super) fn fill(&mut self, pair: &Pair, inside: &Changes, shape: &Shape, at: At<'_>) -> Result<(), EditError> {
        let unusual = at.error(Obstacle::Unusual);
        let colon = self.colon(pair).ok_or(unusual.clone())?;
        let value = &pair.value;
        let is_map = matches!(value.kind, Kind::Map { .. });
        let written = !matches!(value.kind, Kind::Empty);
        if value.tag.is_some() && !is_map {
            return Err(unusual);
        }
        if is_map && self.text[value.span.clone()].contains('#') {
            // A comment keeps the braces open.
            let entries = self.flow_entries(&entries_of(inside, at)?, &self.flow_style(&[], pair), at)?;
            self.insert(value.span.end - 1, entries.join(", "));
            return Ok(());
        }
        match shape {
            Shape::Block { column } => {
                let lines = self.block_lines(&entries_of(inside, at)?, column + self.unit, at)?;
                let mut end = value.properties_end().unwrap_or(colon);
                if written {
                    // `key: {}` becomes `key:`, without a blank at the end.
                    let bare = self.text[end..value.span.start].trim_start().is_empty();
                    self.delete(if bare { end } else { value.span.start }..value.span.end);
                    end = value.span.end;
                }
                if !ends_here(self.text, end) {
                    return Err(unusual);
                }
                let eol = usual_break(self.text, end);
                let new = lines.iter().map(|line| format!("{eol}{line}")).collect();
                self.insert(line_end(self.text, end), new);
            }
            Shape::Flow(style) => {
                let body = self.flow_body(inside, style, at)?;
                match value.kind {
                    Kind::Map { .. } => {
                        self.splices.push(Splice { range: value.span.start + 1..value.span.end - 1, new: body });
                    }
                    Kind::Empty => {
                        self.insert(value.properties_end().unwrap_or(colon), format!(" {{{body}}}"));
                    }
                    _ => self.splices.push(Splice { range: value.span.clone(), new: format!("{{{body}}}") }),
                }
            }
        }
        Ok(())
    }

    /// Entries as lines with their indent, without line breaks.
    pub(super) fn block_lines(
        &self,
        entries: &[(&str, &Change)],
        column: usize,
        at: At<'_>,
    ) -> Result<Vec<String>, EditError> {
        let mut lines = Vec::new();
        for (key, change) in entries {
            let mut line = " ".repeat(column);
            line.push_str(&self.spell(key, Quotes::None, false));
            line.push(':');
            match change {
                Change::Set(value) => {
                    line.push(' ');
                    line.push_str(&self.spell_value(value, Quotes::None, false));
                    lines.push(line);
                }
                Change::Inside(inside) => {
                    lines.push(line);
                    lines.extend(self.block_lines(&entries_of(inside, at)?, column + self.unit, at)?);
                }
                Change::Remove => {}
            }
        }
        Ok(lines)
    }

    /// Entries for a map in braces, without what separates them.
    pub(super) fn flow_entries(
        &self,
        entries: &[(&str, &Change)],
        style: &FlowStyle,
        at: At<'_>,
    ) -> Result<Vec<String>, EditError> {
        let mut spelt = Vec::new();
        for (key, change) in entries {
            let key = self.spell(key, style.key_quotes, true);
            let quoted = key.starts_with(['"', '\'']);
            // Behind a bare key only a blank makes the colon one.
            let colon = if quoted || style.colon.ends_with([' ', '\t']) { style.colon.as_str() } else { ": " };
            let value = match change {
                Change::Set(value) => self.spell_value(value, style.value_quotes, true),
                Change::Inside(inside) => format!("{{{}}}", self.flow_body(inside, style, at)?),
                Change::Remove => continue,
            };
            spelt.push(format!("{key}{colon}{value}"));
        }
        Ok(spelt)
    }

    /// What stands between the braces of a map inside one of this style.
    fn flow_body(&self, inside: &Changes, style: &FlowStyle, at: At<'_>) -> Result<String, EditError> {
        let Some(indent) = &style.indent else {
            return Ok(self.flow_entries(&entries_of(inside, at)?, style, at)?.join(&style.comma));
        };
        let deeper = FlowStyle {
            indent: Some(format!("{indent}{}", self.flow_unit())),
            colon: style.colon.clone(),
            comma: style.comma.clone(),
            ..*style
        };
        let entries = self.flow_entries(&entries_of(inside, at)?, &deeper, at)?;
        let eol = usual_break(self.text, 0);
        let separator = format!("{eol}{}", deeper.indent.as_deref().unwrap_or_default());
        Ok(format!("{separator}{}{eol}{indent}", entries.join(&format!(",{separator}"))))
    }

    /// By how much entries in braces are indented: as in the outermost map.
    fn flow_unit(&self) -> &str {
        let Kind::Map { flow: true, pairs } = &self.tree.root.kind else {
            return "  ";
        };
        let indent = pairs.last().and_then(|pair| indent(self.text, self.pair_start(pair)));
        indent.filter(|indent| !indent.is_empty()).unwrap_or("  ")
    }

    pub(super) fn flow_style(&self, pairs: &[Pair], last: &Pair) -> FlowStyle {
        let between = |from: usize, to: usize, mark: char| {
            let found = self.text.get(from..to)?;
            (found.trim_matches([' ', '\t']) == mark.to_string()).then(|| found.to_owned())
        };
        let json = self.format == Format::Json;
        let colon = between(last.key.span.end, last.value.start(), ':').unwrap_or_else(|| ": ".to_owned());
        let comma = match pairs {
            [.., before, _] => between(self.pair_end(before), self.pair_start(last), ','),
            _ => colon.ends_with(':').then(|| ",".to_owned()),
        };
        let quotes = |kind: &Kind| match kind {
            _ if json => Quotes::Double,
            Kind::Scalar(quotes) => *quotes,
            _ => Quotes::None,
        };
        let key_quotes = quotes(&last.key.kind);
        let value_quotes = pairs.iter().rev().map(|pair| quotes(&pair.value.kind)).find(|q| *q != Quotes::None);
        FlowStyle {
            indent: None,
            colon,
            comma: comma.unwrap_or_else(|| ", ".to_owned()),
            key_quotes,
            value_quotes: value_quotes.unwrap_or(if key_quotes == Quotes::Double { key_quotes } else { Quotes::None }),
        }
    }

    pub(super) fn spell_value(&self, value: &NewValue, quotes: Quotes, in_flow: bool) -> String {
        match value {
            NewValue::Text(text) => self.spell(text, quotes, in_flow),
            NewValue::Bool(value) => value.to_string(),
        }
    }

    /// Text on one line, in these quotes if they will do.
    pub(super) fn spell(&self, text: &str, quotes: Quotes, in_flow: bool) -> String {
        let needed = match style(text) {
            _ if self.format == Format::Json => Quotes::Double,
            Style::Plain if in_flow && text.contains([',', '[', ']', '{', '}']) => Quotes::Single,
            Style::Plain => Quotes::None,
            Style::Single => Quotes::Single,
            Style::Double | Style::Literal if !cannot_be_single(text) && quotes == Quotes::Single => Quotes::Single,
            Style::Double | Style::Literal => Quotes::Double,
        };
        let mut out = String::with_capacity(text.len() + 2);
        match if needed == Quotes::Double || quotes == Quotes::None { needed } else { quotes } {
            Quotes::None => out.push_str(text),
            Quotes::Single => push_single(&mut out, text),
            Quotes::Double => push_double(&mut out, text),
        }
        out
    }
}

/// Whether something in the text can only be written as an escape.
fn cannot_be_single(text: &str) -> bool {
    text.chars().any(|letter| {
        letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
    })
}

/// The entries to write into a new map; a list cannot be made.
fn entries_of<'c>(inside: &'c Changes, at: At<'_>) -> Result<Vec<(&'c str, &'c Change)>, EditError> {
    let sets = inside.steps.iter().filter(|(_, change)| change.sets_anything());
    sets.map(|(step, change)| match step {
        Step::Key(key) => Ok((key.as_str(), change)),
        Step::Element(_) => Err(at.error(Obstacle::NoElement)),
    })
    .collect()
}
