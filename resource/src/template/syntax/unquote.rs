//! Go's quoted literals.

const INVALID: &str = "invalid syntax";

/// The value of a literal in double quotes or backquotes, as the lexer delimited it.
pub(super) fn unquote(written: &str) -> Result<Vec<u8>, String> {
    if let Some(raw) = written.strip_prefix('`') {
        let raw = raw.strip_suffix('`').ok_or(INVALID)?;
        return Ok(raw.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut rest = inside(written, '"')?;
    let mut value = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        match next_character(&mut rest, '"')? {
            Unquoted::Byte(byte) => value.push(byte),
            Unquoted::Character(c) => value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(value)
}

/// The code point (or byte) of a literal in single quotes.
pub(super) fn unquote_character(written: &str) -> Result<u32, String> {
    let mut rest = written.strip_prefix('\'').ok_or(INVALID)?;
    let code = match next_character(&mut rest, '\'')? {
        Unquoted::Byte(byte) => u32::from(byte),
        Unquoted::Character(c) => u32::from(c),
    };
    if rest == "'" { Ok(code) } else { Err(format!("malformed character constant: {written}")) }
}

fn inside(written: &str, quote: char) -> Result<&str, String> {
    let inner = written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner.ok_or_else(|| INVALID.to_owned())
}

/// An escape can stand for a byte that is no character.
enum Unquoted {
    Byte(u8),
    Character(char),
}

fn next_character(rest: &mut &str, quote: char) -> Result<Unquoted, String> {
    let mut characters = rest.chars();
    let first = characters.next().filter(|c| *c != quote).ok_or(INVALID)?;
    if first != '\\' {
        *rest = characters.as_str();
        return Ok(Unquoted::Character(first));
    }
    let escape = characters.next().ok_or(INVALID)?;
    let mut after = characters.as_str();
    let unquoted = match escape {
        'a' => Unquoted::Byte(0x07),
        'b' => Unquoted::Byte(0x08),
        'f' => Unquoted::Byte(0x0c),
        'n' => Unquoted::Byte(b'\n'),
        'r' => Unquoted::Byte(b'\r'),
        't' => Unquoted::Byte(b'\t'),
        'v' => Unquoted::Byte(0x0b),
        '\\' => Unquoted::Byte(b'\\'),
        c if c == quote => Unquoted::Character(c),
        'x' => byte(digits(&mut after, 2, 16)?)?,
        'u' => character(digits(&mut after, 4, 16)?)?,
        'U' => character(digits(&mut after, 8, 16)?)?,
        '0'..='7' => {
            after = &rest[1..];
            byte(digits(&mut after, 3, 8)?)?
        }
        _ => return Err(INVALID.to_owned()),
    };
    *rest = after;
    Ok(unquoted)
}

fn digits(rest: &mut &str, count: usize, radix: u32) -> Result<u32, String> {
    let (digits, after) = rest.split_at_checked(count).ok_or(INVALID)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(INVALID.to_owned());
    }
    *rest = after;
    u32::from_str_radix(digits, radix).map_err(|_| INVALID.to_owned())
}

fn byte(code: u32) -> Result<Unquoted, String> {
    u8::try_from(code).map(Unquoted::Byte).map_err(|_| INVALID.to_owned())
}

fn character(code: u32) -> Result<Unquoted, String> {
    char::from_u32(code).map(Unquoted::Character).ok_or_else(|| INVALID.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_what_they_mean_in_go() {
        let cases: [(&str, Option<&[u8]>); 10] = [
            (r#""""#, Some(b"")),
            (r#""a\n\t\\\"""#, Some(b"a\n\t\\\"")),
            (r#""\u00e9\x41\101""#, Some("éAA".as_bytes())),
            (r#""\xff\377""#, Some(b"\xff\xff")),
            ("`a\r\nb\\n`", Some(b"a\nb\\n")),
            (r#""\q""#, None),
            (r#""\'""#, None),
            (r#""\ud800""#, None),
            (r#""\400""#, None),
            (r#""\xg0""#, None),
        ];
        for (written, value) in cases {
            assert_eq!(unquote(written).ok().as_deref(), value, "{written}");
        }
    }

    #[test]
    fn character_constants_hold_one_character() {
        for (written, value) in [("'a'", Some(97)), (r"'\''", Some(39)), (r"'\xff'", Some(255)), ("'é'", Some(233))] {
            assert_eq!(unquote_character(written).ok(), value, "{written}");
        }
        for written in ["''", "'ab'", r#"'\"'"#, r"'\ud800'"] {
            assert!(unquote_character(written).is_err(), "{written}");
        }
    }
}
