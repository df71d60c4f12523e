//! Go's layouts: dates written the way the second of January 2006, 15:04:05 MST, is to be read.

/// A field of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// `January`
    MonthName,
    /// `Jan`
    ShortMonthName,
    /// `1`, `01`
    Month(Padding),
    /// `Monday`
    DayName,
    /// `Mon`
    ShortDayName,
    /// `2`, `_2`, `02`
    Day(Padding),
    /// `__2`, `002`
    DayOfYear(Padding),
    /// `15`
    Hour,
    /// `3`, `03`
    HalfDayHour(Padding),
    /// `4`, `04`
    Minute(Padding),
    /// `5`, `05`
    Second(Padding),
    /// `2006`
    Year,
    /// `06`
    ShortYear,
    /// `PM`
    HalfDay,
    /// `pm`
    SmallHalfDay,
    /// `MST`
    ZoneName,
    /// `-0700` and the like
    Offset(Offset),
    /// `.000`, `,999`
    Fraction {
        digits: usize,
        separator: char,
        /// With nines: without zeros at the end.
        trimmed: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    No,
    Blanks,
    Zeros,
}

/// How an offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` where it is zero.
    pub(super) z: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

/// What stands before the first field of `layout`, the field, and what follows it; without a field all of the text.
pub(super) fn next_field(layout: &[u8]) -> (&[u8], Option<Field>, &[u8]) {
    for at in 0..layout.len() {
        if let Some((skipped, field, len)) = field_at(&layout[at..]) {
            return (&layout[..at + skipped], Some(field), &layout[at + skipped + len..]);
        }
    }
    (layout, None, &[])
}

/// Fields by their text; the longer ones first where one begins like another.
const FIELDS: &[(&str, Field)] = &[
    ("January", Field::MonthName),
    ("Monday", Field::DayName),
    ("MST", Field::ZoneName),
    ("002", Field::DayOfYear(Padding::Zeros)),
    ("01", Field::Month(Padding::Zeros)),
    ("02", Field::Day(Padding::Zeros)),
    ("03", Field::HalfDayHour(Padding::Zeros)),
    ("04", Field::Minute(Padding::Zeros)),
    ("05", Field::Second(Padding::Zeros)),
    ("06", Field::ShortYear),
    ("15", Field::Hour),
    ("1", Field::Month(Padding::No)),
    ("2006", Field::Year),
    ("2", Field::Day(Padding::No)),
    ("__2", Field::DayOfYear(Padding::Blanks)),
    ("_2", Field::Day(Padding::Blanks)),
    ("3", Field::HalfDayHour(Padding::No)),
    ("4", Field::Minute(Padding::No)),
    ("5", Field::Second(Padding::No)),
    ("PM", Field::HalfDay),
    ("pm", Field::SmallHalfDay),
];

/// The field at the beginning of `rest`: bytes to leave before it, and its length.
fn field_at(rest: &[u8]) -> Option<(usize, Field, usize)> {
    match rest {
        // The underscore is text where a year follows.
        [b'_', b'2', b'0', b'0', b'6', ..] => return Some((1, Field::Year, 4)),
        [b'.' | b',', ..] => return fraction(rest).map(|(field, len)| (0, field, len)),
        [b'-' | b'Z', ..] => return offset(rest).map(|(field, len)| (0, field, len)),
        _ => {}
    }
    if let Some((text, field)) = FIELDS.iter().find(|(text, _)| rest.starts_with(text.as_bytes())) {
        return Some((0, *field, text.len()));
    }
    // Short names are none when a word goes on, such as `Month`.
    let goes_on = rest.get(3).is_some_and(u8::is_ascii_lowercase);
    match rest {
        [b'J', b'a', b'n', ..] if !goes_on => Some((0, Field::ShortMonthName, 3)),
        [b'M', b'o', b'n', ..] if !goes_on => Some((0, Field::ShortDayName, 3)),
        _ => None,
    }
}

/// A separator and zeros or nines that no other digit follows.
fn fraction(rest: &[u8]) -> Option<(Field, usize)> {
    let (&separator, digits) = rest.split_first()?;
    let &digit = digits.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let len = digits.iter().take_while(|&&other| other == digit).count();
    if digits.get(len).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let field = Field::Fraction { digits: len, separator: char::from(separator), trimmed: digit == b'9' };
    Some((field, len + 1))
}

fn offset(rest: &[u8]) -> Option<(Field, usize)> {
    const FORMS: &[(&[u8], bool, bool, bool)] = &[
        (b"070000", false, true, true),
        (b"07:00:00", true, true, true),
        (b"0700", false, true, false),
        (b"07:00", true, true, false),
        (b"07", false, false, false),
    ];
    let (&first, form) = rest.split_first()?;
    let (text, colons, minutes, seconds) = FORMS.iter().copied().find(|(text, ..)| form.starts_with(text))?;
    Some((Field::Offset(Offset { z: first == b'Z', colons, minutes, seconds }), text.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(layout: &str) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut rest = layout.as_bytes();
        while let (_, Some(field), after) = next_field(rest) {
            fields.push(field);
            rest = after;
        }
        fields
    }

    #[test]
    fn layouts_are_read_by_the_longest_field() {
        let cases: [(&str, &[Field]); 6] = [
            ("2006-01-02", &[Field::Year, Field::Month(Padding::Zeros), Field::Day(Padding::Zeros)]),
            ("Month Janet", &[]),
            ("_2006 _2", &[Field::Year, Field::Day(Padding::Blanks)]),
            ("1502", &[Field::Hour, Field::Day(Padding::Zeros)]),
            (".0005", &[Field::Second(Padding::Zeros)]),
            (",99x", &[Field::Fraction { digits: 2, separator: ',', trimmed: true }]),
        ];
        for (layout, expected) in cases {
            assert_eq!(fields(layout), expected, "{layout}");
        }
    }
}
