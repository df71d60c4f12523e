//! Finds what must not be found: plain text outside Secrets, private keys anywhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What every private key in PEM contains.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// Panics when a text holds one of the plain texts, as it is or inside Base64, or a private key.
pub(crate) fn check(texts: &[(String, String)], plain: &[String]) {
    let forms: Vec<String> = plain.iter().flat_map(|value| forms(value)).chain([PRIVATE_KEY.to_owned()]).collect();
    for (place, text) in texts {
        for form in &forms {
            assert!(!text.contains(form.as_str()), "{place} holds {form:?}, which belongs into Secrets alone");
        }
    }
}

/// The value and the three ways in which Base64 shows it, depending on what stands before it.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    for before in 0..3 {
        let encoded = STANDARD.encode(format!("{}{value}", "x".repeat(before)));
        // Characters at both ends depend on the neighbours.
        let begin = [0, 2, 3][before];
        forms.push(encoded[begin..encoded.len() - 4].to_owned());
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "belongs into Secrets alone")]
    fn base64_is_seen_through_at_every_alignment() {
        for before in 0..3 {
            let text = STANDARD.encode(format!("{}planted-value-1{}", "a".repeat(before), "b".repeat(before)));
            let found = forms("planted-value-1").iter().any(|form| text.contains(form.as_str()));
            assert!(found, "not seen behind {before} bytes");
        }
        check(&[("the log".to_owned(), STANDARD.encode("ab planted-value-1"))], &["planted-value-1".to_owned()]);
    }
}
