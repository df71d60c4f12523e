//! The things kubeseal can do, and which one it does (spec/kubeseal-cli.md 4).

mod fetch_cert;
mod raw;
mod seal;
mod validate;

use std::io::{self, IsTerminal};

use crate::args::{Args, Mode};
use crate::error::{Error, Result};
use crate::input::Input;
use crate::say;

/// Does what the command line asks for.
///
/// # Errors
/// The first thing that goes wrong. Results before it are on standard output already, a result file is untouched.
pub(crate) fn run(args: &Args) -> Result<()> {
    refuse_what_is_missing(args.mode)?;
    for notice in &args.notices {
        say(notice);
    }
    if args.positionals > 0 {
        say("warning: arguments that are no flags are ignored; the input comes from -f FILE or standard input");
    }
    if !args.recovery_private_keys.is_empty() && io::stderr().is_terminal() {
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
        // The others have been refused.
        Mode::Seal | Mode::MergeInto | Mode::ReEncrypt | Mode::RecoveryUnseal => seal::run(args, input),
    }
}

/// Modes that this build knows by name only must not do half of their work.
fn refuse_what_is_missing(mode: Mode) -> Result<()> {
    let flag = match mode {
        Mode::MergeInto => "--merge-into",
        Mode::ReEncrypt => "--re-encrypt",
        Mode::RecoveryUnseal => "--recovery-unseal",
        Mode::Validate | Mode::FetchCert | Mode::Raw | Mode::Seal => return Ok(()),
    };
    Err(Error::new(format!("this build does not have {flag} yet")).hint("nothing was read or written"))
}
