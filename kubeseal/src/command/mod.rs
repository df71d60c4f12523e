//! The things kubeseal can do, and which one it does (spec/kubeseal-cli.md 4).

mod fetch_cert;
mod merge;
mod namespace_lookup;
mod raw;
mod re_encrypt;
mod recover;
mod seal;
mod validate;

use std::io::{self, IsTerminal};

use sealed_secrets_resource::ObjectMeta;
use sealed_secrets_resource::document::edit::EditError;

use crate::args::{Args, Mode};
use crate::error::{Error, Result};
use crate::input::Input;
use crate::say;

/// Does what the command line asks for.
///
/// # Errors
/// The first thing that goes wrong. Results before it are on standard output already, a result file is untouched.
pub(crate) fn run(args: &Args) -> Result<()> {
    for notice in &args.notices {
        say(notice);
    }
    if args.positionals > 0 {
        say("warning: arguments that are no flags are ignored; the input comes from -f FILE or standard input");
    }
    let ignored = !args.recovery_private_keys.is_empty() && args.mode != Mode::RecoveryUnseal;
    if ignored && io::stderr().is_terminal() {
        say("warning: ignoring --recovery-private-key because --recovery-unseal is not given");
    }
    let input = Input::open(args.secret_file.as_deref())?;
    if args.mode == Mode::Raw && args.secret_file.is_some() && args.secret_file_explicit {
        return Err(
            Error::new("--secret-file (-f) is not a source for --raw").hint("use --from-file or standard input")
        );
    }
    if input.is_terminal() && !matches!(args.mode, Mode::Raw | Mode::FetchCert) {
        say("(tty detected: expecting json/yaml k8s resource in stdin)");
    }
    match args.mode {
        Mode::Validate => validate::run(args, input),
        Mode::FetchCert => fetch_cert::run(args),
        Mode::Raw => raw::run(args),
        Mode::Seal => seal::run(args, input),
        Mode::MergeInto => merge::run(args, input),
        Mode::ReEncrypt => re_encrypt::run(args, input),
        Mode::RecoveryUnseal => recover::run(args, input),
    }
}

/// The kind of what most modes take.
const KIND: &str = "SealedSecret";

/// What to call an object of the input: by its name, else by its place, from 0.
fn object_name(kind: &str, metadata: &ObjectMeta, index: usize) -> String {
    match (metadata.namespace.as_str(), metadata.name.as_str()) {
        (_, "") => format!("object {} of the input", index + 1),
        ("", name) => format!("{kind} {name}"),
        (namespace, name) => format!("{kind} {namespace}/{name}"),
    }
}

/// The error for an input without SealedSecrets.
fn none_found() -> Error {
    Error::new("no sealed secrets found").hint("is the input empty, or are these documents of another kind?")
}

/// The error for a file that cannot be changed as it is written.
fn unwritable_in_place(name: &str, error: &EditError) -> Error {
    let failure = Error::new(format!("{name}: {error}"));
    if error.is_about_style() {
        failure.hint("-o yaml or -o json writes the whole file anew, without its comments")
    } else {
        failure
    }
}
