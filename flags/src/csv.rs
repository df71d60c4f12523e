//! One CSV record: how a list flag splits its value (Go's `encoding/csv`, first record only).

/// The fields of the first record in `text`; an empty text has none.
pub(crate) fn record(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let text = text.replace("\r\n", "\n");
    let skipped = text.len() - text.trim_start_matches('\n').len();
    let body = &text[skipped..];
    if body.is_empty() {
        return Err("EOF".to_owned());
    }
    let first_line = 1 + skipped;

    let mut fields = Vec::new();
    let mut rest = body;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted, body, first_line)?,
            None => bare_field(rest, body, first_line)?,
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// Reads up to the next comma or line end; a quote inside is an error.
fn bare_field<'a>(rest: &'a str, body: &str, first_line: usize) -> Result<(String, &'a str), String> {
    let end = rest.find([',', '\n']).unwrap_or(rest.len());
    match rest[..end].find('"') {
        Some(at) => Err(complaint(&rest[at..], body, first_line, "bare \" in non-quoted-field")),
        None => Ok((rest[..end].to_owned(), &rest[end..])),
    }
}

/// Reads behind an opening quote up to the closing one; `""` inside stands for one quote.
fn quoted_field<'a>(mut rest: &'a str, body: &str, first_line: usize) -> Result<(String, &'a str), String> {
    const BAD_QUOTE: &str = "extraneous or missing \" in quoted-field";
    let mut field = String::new();
    loop {
        let Some(at) = rest.find('"') else {
            return Err(complaint("", body, first_line, BAD_QUOTE));
        };
        field.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        match after.bytes().next() {
            Some(b'"') => {
                field.push('"');
                rest = &after[1..];
            }
            None | Some(b',' | b'\n') => return Ok((field, after)),
            Some(_) => return Err(complaint(&rest[at..], body, first_line, BAD_QUOTE)),
        }
    }
}

/// The error text for a problem where `rest`, a tail of `body`, begins; columns count bytes from one.
fn complaint(rest: &str, body: &str, first_line: usize, problem: &str) -> String {
    let before = &body[..body.len() - rest.len()];
    let line = first_line + before.matches('\n').count();
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    if line == first_line {
        format!("parse error on line {line}, column {column}: {problem}")
    } else {
        format!("record on line {first_line}; parse error on line {line}, column {column}: {problem}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_record_is_split_at_commas_outside_quotes() {
        for (text, want) in [
            ("", &[][..]),
            ("a", &["a"][..]),
            ("a,b", &["a", "b"]),
            ("a,", &["a", ""]),
            (",", &["", ""]),
            ("\"a,b\"", &["a,b"]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"say \"\"hi\"\"\"", &["say \"hi\""]),
            ("\"two\nlines\",x", &["two\nlines", "x"]),
            (" a , b ", &[" a ", " b "]),
            ("first\nsecond", &["first"]),
            ("\n\nlate", &["late"]),
        ] {
            assert_eq!(record(text).unwrap(), want, "{text:?}");
        }
    }

    #[test]
    fn misplaced_quotes_are_refused_with_their_place() {
        for (text, want) in [
            ("a\"b", "parse error on line 1, column 2: bare \" in non-quoted-field"),
            ("\"a", "parse error on line 1, column 3: extraneous or missing \" in quoted-field"),
            ("x,\"a\"b", "parse error on line 1, column 5: extraneous or missing \" in quoted-field"),
            ("\"a\nb", "record on line 1; parse error on line 2, column 2: extraneous or missing \" in quoted-field"),
            ("\n", "EOF"),
        ] {
            assert_eq!(record(text).unwrap_err(), want, "{text:?}");
        }
    }
}
