//! What subcommands print about a file.

use sealed_secrets_resource::ObjectMeta;
use sealed_secrets_resource::document::to_json_pretty;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output::write_stdout;

/// `shop/db`, `db`, or `an object without name`.
pub(super) fn display_name(metadata: &ObjectMeta) -> String {
    name_of(&metadata.namespace, &metadata.name)
}

/// The same from the parts.
pub(super) fn name_of(namespace: &str, name: &str) -> String {
    match (namespace, name) {
        ("", "") => "an object without name".to_owned(),
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// `1 file`, `2 files`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Prints a value for scripts.
pub(super) fn print_json(value: &Value) -> Result<()> {
    let text = to_json_pretty(value).map_err(|error| Error::new(error.to_string()))?;
    write_stdout(text.as_bytes())
}
