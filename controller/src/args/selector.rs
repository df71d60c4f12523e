//! Checks a label selector at start (W44): with one that the API server refuses nothing would ever be reconciled.

use super::names;

/// Checks the grammar of Kubernetes label selectors: requirements separated by commas, each `key`, `!key`, `key=value`,
/// `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key>1` or `key<1`.
pub(super) fn check(text: &str) -> Result<(), String> {
    let tokens = tokens(text);
    let mut tokens = tokens.iter().map(String::as_str).peekable();
    if tokens.peek().is_none() {
        return Ok(());
    }
    loop {
        requirement(&mut tokens)?;
        match tokens.next() {
            None => return Ok(()),
            Some(",") => {}
            Some(other) => return Err(format!("found {other:?}, expected ',' or the end")),
        }
    }
}

/// Splits into words and signs; blanks only separate.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = ["==", "!=", "=", "!", ",", "(", ")", ">", "<"]
            .iter()
            .find(|sign| rest.starts_with(**sign))
            .map_or_else(
                || rest.find(|c: char| c.is_whitespace() || "=!,()><".contains(c)).unwrap_or(rest.len()),
                |sign| sign.len(),
            )
            .max(first.len_utf8());
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

fn requirement<'a>(tokens: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Result<(), String> {
    let negated = tokens.next_if_eq(&"!").is_some();
    let key = tokens.next().ok_or("a key is missing at the end")?;
    names::label_key(key)?;
    if negated || matches!(tokens.peek(), None | Some(&",")) {
        return Ok(());
    }
    match tokens.next() {
        Some("=" | "==" | "!=") => match tokens.peek() {
            None | Some(&",") => Ok(()),
            Some(_) => names::label_value(tokens.next().unwrap_or_default()),
        },
        Some("in" | "notin") => set(tokens),
        Some(">" | "<") => {
            let value = tokens.next().unwrap_or_default();
            let number = value.parse::<i64>();
            number.map(|_| ()).map_err(|_| format!("{value:?} is not an integer"))
        }
        Some(other) => Err(format!("found {other:?}, expected an operator")),
        None => Ok(()),
    }
}

fn set<'a>(tokens: &mut impl Iterator<Item = &'a str>) -> Result<(), String> {
    if tokens.next() != Some("(") {
        return Err("expected '(' after in or notin".to_owned());
    }
    let mut after_value = false;
    loop {
        match tokens.next() {
            Some(")") => return Ok(()),
            Some(",") => after_value = false,
            Some(value) if !after_value => {
                names::label_value(value)?;
                after_value = true;
            }
            Some(other) => return Err(format!("found {other:?}, expected ',' or ')'")),
            None => return Err("')' is missing".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_kubernetes_selectors_passes() {
        for text in [
            "",
            "  ",
            "a",
            "!a",
            "a=b",
            "a==b",
            "a = b",
            "a!=b",
            "a=",
            "a!=",
            "a in (b)",
            "a notin (b, c)",
            "a in (b,,c)",
            "a in ()",
            "x.y/a_b.C in (d)",
            "a>1",
            "a<2",
            "a=b,c!=d,!e,f in (g)",
            "in=out",
        ] {
            assert_eq!(check(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn what_the_api_server_refuses_is_refused() {
        for text in [
            "!!",
            "=",
            ",",
            "a,",
            "a b",
            "a in b",
            "a in (b",
            "a in (b c)",
            "a=b c",
            "a=b=c",
            "a>b",
            "-a",
            "a=-b",
            "/a",
            "X/a",
            "a=b/c",
            "é",
            "a===b",
        ] {
            assert!(check(text).is_err(), "{text:?}");
        }
        assert!(check(&format!("a={}", "x".repeat(64))).is_err());
    }
}
