//! Arbitrary bytes as a template: it renders or fails, within bounds, without a panic and without telling a value.

use std::collections::BTreeMap;

use sealed_secrets_crypto::{Random, RandomError};
use sealed_secrets_resource::SecretBytes;
use sealed_secrets_resource::template::{
    Limits, RenderEnvironment, RenderErrors, check_syntax, is_volatile, render_all,
};

/// A value that no template contains by chance.
const VALUE: &str = "s3ntinel-9f2c";

/// Small, so that many inputs fit into a second; slow functions take seconds by design.
const LIMITS: Limits =
    Limits { output_bytes: 1 << 16, allocated_bytes: 4 << 20, steps: 20_000, depth: 500, slow_calls: 0 };

/// Renders the bytes up to the first zero; what follows is the value of `item`.
///
/// # Panics
/// When rendering does something that no template may bring it to.
pub fn render(bytes: &[u8]) {
    let (template, item) = match bytes.iter().position(|byte| *byte == 0) {
        Some(zero) => (&bytes[..zero], &bytes[zero + 1..]),
        None => (bytes, &b"1.5"[..]),
    };
    // The API server takes nothing but text for a template, and anything for a value.
    let template = String::from_utf8_lossy(template).into_owned();
    let values = BTreeMap::from([("item", item), ("password", VALUE.as_bytes())]);
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), SecretBytes::from(value.to_vec()))).collect();
    let templates = BTreeMap::from([("entry".to_owned(), template.clone())]);

    let first = rendered(&templates, &values, 0);
    match &first {
        Ok(output) => assert!(output["entry"].as_slice().len() <= LIMITS.output_bytes, "more output than allowed"),
        Err(errors) => {
            let shown = format!("{} {:?}", errors["entry"], errors["entry"]);
            assert!(template.contains(VALUE) || !shown.contains(VALUE), "an error shows a value: {shown}");
        }
    }
    assert!(check_syntax(&templates).is_ok() || first.is_err(), "what does not parse was rendered");
    if !is_volatile(&template) {
        assert_eq!(first, rendered(&templates, &values, 77), "neither clock nor randomness may matter");
    }
}

fn rendered(
    templates: &BTreeMap<String, String>,
    values: &BTreeMap<String, SecretBytes>,
    seed: u8,
) -> Result<BTreeMap<String, SecretBytes>, RenderErrors> {
    let now = jiff::Timestamp::from_second(1_700_000_000 + 1_000_000 * i64::from(seed)).unwrap_or_default();
    let environment = RenderEnvironment { now, random: &mut Counting(seed), limits: LIMITS, stop: &|| false };
    render_all(templates, values, environment)
}

/// Bytes that count up.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        // Every byte has its turn, so that whoever rejects some comes to an end.
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}
