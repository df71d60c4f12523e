//! Flags that several subcommands have.

use sealed_secrets_flags::{Flag, Kind, Source, Values};

use crate::flag_table;
pub(super) use crate::flag_table::{IDENTITY, PASSPHRASE_FILE};

/// What a script reads, or a person.
pub(super) const OUTPUT: Flag = Flag::new("output", Kind::Choice(&["text", "json"]), "what to print: text or json")
    .short('o')
    .default("text")
    .no_env();

/// Keys from a backup.
pub(super) const FROM_KEYS: Flag =
    Flag::new("from-keys", Kind::Array, "file with private keys, a backup or PEM (can be repeated)")
        .value_name("FILE")
        .no_env();

/// Whom to seal for.
pub(super) const CERT: Flag = Flag::new(
    "cert",
    Kind::String,
    "certificate to seal with, a file or a URL; otherwise the one that .kubeseal.yaml names, or the controller's",
);

/// Whether to write the annotation.
pub(super) const RECORD_KEY: Flag = Flag::new(
    "record-key",
    Kind::Bool,
    "note the fingerprint of the sealing key in an annotation; one that is there is kept right in any case",
)
.default("true");

/// The namespace of objects that name none.
pub(super) const NAMESPACE: Flag =
    Flag::new("namespace", Kind::String, "namespace of objects that name none").short('n');

/// Which object of a file.
pub(super) const NAME: Flag =
    Flag::new("name", Kind::String, "which SealedSecret of the file, as NAME or NAMESPACE/NAME, if it holds several")
        .no_env();

/// A switch without an environment form: what happens to files is said on the command line.
pub(super) const fn switch(name: &'static str, help: &'static str) -> Flag {
    Flag::new(name, Kind::Bool, help).no_env()
}

/// A text without an environment form.
pub(super) const fn text(name: &'static str, help: &'static str) -> Flag {
    Flag::new(name, Kind::String, help).no_env()
}

/// A table of these and of what it takes to reach a controller.
pub(super) fn with_connection(own: &[Flag]) -> Vec<Flag> {
    own.iter().copied().chain(flag_table::connection()).collect()
}

/// Whether a script reads what is printed, by [`OUTPUT`].
pub(super) fn wants_json(values: &Values) -> bool {
    values.string(OUTPUT.name()) == "json"
}

/// Whether the annotation is wanted: by the flag, else by the settings, else yes.
pub(super) fn records_key(values: &Values, settings: Option<bool>) -> bool {
    match values.source("record-key") {
        Source::CommandLine => values.bool("record-key"),
        _ => settings.unwrap_or(values.bool("record-key")),
    }
}
