//! Asks the controller whether it can open SealedSecrets (spec/kubeseal-cli.md 10.5).

use super::{KIND, none_found, object_name};
use crate::args::Args;
use crate::cluster::{Controller, NOT_OPENED, Verdict};
use crate::error::{Error, Result};
use crate::input::{self, Input};

/// Stops at the first that does not open. Writes nothing, so a result file is not looked at (decision 10).
pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let controller = Controller::connect(&args.access())?;
    let name = input.name();
    let read = input.read().and_then(|text| input::sealed_secrets(&text, &name));
    // The reference's words, which scripts match, with the cause behind them.
    let sealed_secrets = read.map_err(|error| error.prefix("unable to decrypt sealed secret: "))?;
    if sealed_secrets.is_empty() {
        return Err(none_found());
    }
    let several = sealed_secrets.len() > 1;
    for (index, sealed_secret) in sealed_secrets.iter().enumerate() {
        let error = match controller.verify(sealed_secret) {
            Ok(Verdict::Opens) => continue,
            Ok(Verdict::DoesNotOpen) => {
                let name = &sealed_secret.metadata.name;
                Error::new(format!("unable to decrypt sealed secret: {name}")).hint(NOT_OPENED)
            }
            Err(error) => error,
        };
        return Err(if several { error.about(&object_name(KIND, &sealed_secret.metadata, index)) } else { error });
    }
    Ok(())
}
