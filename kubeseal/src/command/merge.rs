//! New items into an existing SealedSecret file (spec/kubeseal-cli.md 10.4).

use std::collections::BTreeSet;
use std::fs::OpenOptions;

use sealed_secrets_crypto::SystemRandom;
use sealed_secrets_resource::document::read_object;
use sealed_secrets_resource::{MergeError, MergeOptions, Rules, Scope, SealError, SealedSecret, merge};

use super::namespace_lookup::NamespaceLookup;
use super::seal::{explain, read_secrets};
use super::unwritable_in_place;
use crate::args::Args;
use crate::certificate_source;
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::output::{self, Output};
use crate::say;

/// Prints nothing. `--sealed-secret-file` is not looked at (decision 10).
pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let key = certificate_source::key(args)?;

    let name = args.merge_into.as_str();
    // A file that must not be written is not replaced either.
    let opened = OpenOptions::new().read(true).write(true).open(name);
    let mut file = opened.map_err(|error| Error::file("open", name, &error))?;
    let mut output = Output::in_place(name, &args.format)?;
    if !output.replaces_a_file() {
        return Err(Error::new(format!("open {name}: it is not a regular file, nothing can be merged into it")));
    }
    let target = input::read_open_file(name, &mut file)?;
    drop(file);
    let secrets = read_secrets(input)?;
    let names: BTreeSet<String> = secrets.iter().map(|secret| secret.metadata.name.clone()).collect();

    let lookup = NamespaceLookup::new(args);
    let options = MergeOptions {
        scope: args.scope,
        allow_empty: args.allow_empty_data,
        record_key: args.record_key,
        namespace: &|| lookup.get(),
        format: args.format_explicit.as_deref().map(output::format).transpose()?,
    };
    let merged = merge(&target, secrets, &key, &options, &mut SystemRandom).map_err(|error| describe(name, &error))?;
    if is_strict_without_name(&target) {
        let names = Vec::from_iter(names).join(", ");
        say(&format!(
            "warning: {name} names no object, so the new items open under the name of the input alone ({names}); \
             give it this metadata.name"
        ));
    }
    output.write_bytes(merged.as_bytes())?;
    output.commit()
}

/// Whether new items are bound to a name that the target does not have.
fn is_strict_without_name(target: &[u8]) -> bool {
    let document = read_object(target).ok().flatten();
    let target = document.and_then(|document| SealedSecret::from_node(&document.root, Rules::Strict).ok());
    target.is_some_and(|target| target.metadata.name.is_empty() && target.scope() == Scope::Strict)
}

fn describe(name: &str, error: &MergeError) -> Error {
    match error {
        MergeError::Seal(error @ SealError::NamespaceMismatch { .. }) => explain(error)
            .hint(format!("the namespace in {name} decides; leave --namespace (or SEALED_SECRETS_NAMESPACE) away")),
        MergeError::Seal(error) => explain(error),
        MergeError::Scope(conflict) => Error::new(conflict.to_string())
            .hint(format!("leave --scope and the scope annotations of the input away to get the scope of {name}")),
        MergeError::Edit(error) => unwritable_in_place(name, error),
        MergeError::Empty => {
            Error::new(format!("{name}: {error}")).hint("without --merge-into a new SealedSecret is made")
        }
        _ => Error::new(format!("{name}: {error}")),
    }
}
