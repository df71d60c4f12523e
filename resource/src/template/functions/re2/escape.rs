//! What stands behind a backslash.

use super::SyntaxError;

/// The code point of the escape at the beginning of `rest`, and what follows. Classes and assertions are not escapes.
pub(super) fn escape(rest: &str) -> Result<(u32, &str), SyntaxError> {
    const INVALID: SyntaxError = SyntaxError("invalid escape sequence");
    let mut characters = rest.strip_prefix('\\').unwrap_or(rest).chars();
    let first = characters.next().ok_or(SyntaxError("trailing backslash at end of expression"))?;
    let after = characters.as_str();
    let octal = |c: char| c.to_digit(8);
    match first {
        // One digit alone would be a reference to a group, which RE2 does not have.
        '1'..='7' if !after.starts_with(|c| octal(c).is_some()) => Err(INVALID),
        '0'..='7' => {
            let more: String = after.chars().take(2).take_while(|&c| octal(c).is_some()).collect();
            let digits = [first].into_iter().chain(more.chars()).filter_map(octal);
            let code = digits.fold(0, |code, digit| code * 8 + digit);
            Ok((code, &after[more.len()..]))
        }
        'x' => hexadecimal(after).ok_or(INVALID),
        'a' => Ok((0x07, after)),
        'f' => Ok((0x0c, after)),
        'n' => Ok((0x0a, after)),
        'r' => Ok((0x0d, after)),
        't' => Ok((0x09, after)),
        'v' => Ok((0x0b, after)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((u32::from(c), after)),
        _ => Err(INVALID),
    }
}

/// Two digits, or any number of them in braces.
fn hexadecimal(rest: &str) -> Option<(u32, &str)> {
    let (digits, after) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once('}')?,
        None => rest.split_at_checked(2)?,
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let code = if significant.is_empty() { 0 } else { u32::from_str_radix(significant, 16).ok()? };
    (code <= u32::from(char::MAX)).then_some((code, after))
}
