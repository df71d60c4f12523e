//! What names Kubernetes takes, for what would otherwise fail long after the start (W31).

/// A label key: `[prefix/]name`, the prefix a DNS subdomain, the name at most 63 characters.
pub(super) fn label_key(key: &str) -> Result<(), String> {
    if is_key(key) { Ok(()) } else { Err(format!("{key:?} is not a label key")) }
}

/// A label value.
pub(super) fn label_value(value: &str) -> Result<(), String> {
    if is_qualified(value) { Ok(()) } else { Err(format!("{value:?} is not a label value")) }
}

/// An annotation key: as that of a label, with capitals allowed in the prefix.
pub(super) fn annotation_key(key: &str) -> Result<(), String> {
    if is_key(&key.to_ascii_lowercase()) { Ok(()) } else { Err(format!("{key:?} is not an annotation key")) }
}

/// The name of most objects: a DNS subdomain (RFC 1123).
pub(super) fn object_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("resource name may not be empty".to_owned()),
        name if is_subdomain(name) => Ok(()),
        name => Err(format!(
            "{name:?} is no name of an object: at most 253 lower-case letters, digits, '-' and '.', with a letter or digit at \
             both ends"
        )),
    }
}

/// A part of a path of the API. The words are those of the Kubernetes libraries.
pub(super) fn path_segment(name: &str) -> Result<(), String> {
    let problem = match name {
        "" => return Err("resource name may not be empty".to_owned()),
        "." => "may not be '.'",
        ".." => "may not be '..'",
        name if name.contains('/') => "may not contain '/'",
        name if name.contains('%') => "may not contain '%'",
        _ => return Ok(()),
    };
    Err(format!("name parameter invalid: {name:?}: {problem}"))
}

fn is_key(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_qualified(name)
}

fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// At most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; empty is fine here.
fn is_qualified(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_names_follow_the_rules_of_kubernetes() {
        // As a label key, an annotation key, a label value, the name of an object.
        let cases = [
            ("a", [true, true, true, true]),
            ("A_b.c-d", [true, true, true, false]),
            ("a.b/c", [true, true, false, false]),
            ("A.b/c", [false, true, false, false]),
            ("a b", [false; 4]),
            ("a/b/c", [false; 4]),
            ("a/", [false; 4]),
            ("/a", [false; 4]),
            ("-a", [false; 4]),
            ("a..b", [true, true, true, false]),
            ("", [false, false, true, false]),
            ("\u{e4}", [false; 4]),
        ];
        for (text, wanted) in cases {
            let results = [label_key(text), annotation_key(text), label_value(text), object_name(text)];
            assert_eq!(results.map(|result| result.is_ok()), wanted, "{text:?}");
        }
        let long = |length: usize| "a".repeat(length);
        assert!(label_key(&long(63)).is_ok() && label_key(&long(64)).is_err());
        assert!(label_value(&long(63)).is_ok() && label_value(&long(64)).is_err());
        assert!(object_name(&long(253)).is_ok() && object_name(&long(254)).is_err());
    }

    #[test]
    fn what_cannot_stand_in_a_path_is_no_namespace() {
        for name in ["", ".", "..", "a/b", "a%b"] {
            assert!(path_segment(name).is_err(), "{name:?}");
        }
        // No namespace is called so, which the log will say.
        for name in ["a", " a", "A_B", "..."] {
            assert!(path_segment(name).is_ok(), "{name:?}");
        }
    }
}
