//! What subcommands print about a file.

use std::path::{Path, PathBuf};

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

/// Failures of many files, each said once: a certificate that is missing fails every file that it is for.
#[derive(Default)]
pub(super) struct Failures {
    /// What is said, with the first file of a failure that others may share, and how many do.
    known: Vec<(Error, Option<PathBuf>, usize)>,
    count: usize,
}

impl Failures {
    /// One that names its file.
    pub(super) fn add(&mut self, error: Error) {
        self.known.push((error, None, 0));
        self.count += 1;
    }

    /// One that names what the file needs and not the file.
    pub(super) fn add_shared(&mut self, file: &Path, error: Error) {
        self.count += 1;
        let message = error.message();
        let same =
            |(known, file, _): &&mut (Error, Option<PathBuf>, usize)| file.is_some() && known.message() == message;
        match self.known.iter_mut().find(same) {
            Some((_, _, more)) => *more += 1,
            None => self.known.push((error, Some(file.to_owned()), 0)),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// What is to be said.
    pub(super) fn errors(&self) -> impl Iterator<Item = Error> {
        self.known.iter().map(|(error, file, more)| match (file, more) {
            (None, _) => error.clone(),
            (Some(file), 0) => error.clone().prefix(&format!("{}: ", file.display())),
            (Some(file), more) => {
                error.clone().prefix(&format!("{} and {}: ", file.display(), count(*more, "more file")))
            }
        })
    }
}

/// Prints a value for scripts.
pub(super) fn print_json(value: &Value) -> Result<()> {
    let text = to_json_pretty(value).map_err(|error| Error::new(error.to_string()))?;
    write_stdout(text.as_bytes())
}
