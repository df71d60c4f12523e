//! Secrets in, SealedSecrets out (spec/kubeseal-cli.md 10.1).

use sealed_secrets_crypto::SystemRandom;
use sealed_secrets_resource::{SealError, SealOptions, Secret, seal};

use super::namespace_lookup::NamespaceLookup;
use super::object_name;
use crate::args::Args;
use crate::certificate_source;
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::output::Output;
use crate::{parallel, say};

/// From so many Secrets on threads pay: sealing a small one takes about as long as starting a thread.
const MANY: usize = 16;

pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let mut output = Output::prepare(args.sealed_secret_file.as_deref(), &args.format)?;
    let key = certificate_source::key(args)?;
    let secrets = read_secrets(input)?;

    let (lookup, renderer) = (NamespaceLookup::new(args), output.renderer());
    let several = secrets.len() > 1;
    let rendered = |random: &mut SystemRandom, (index, secret): (usize, Secret)| {
        let object = if several { Some(object_name("Secret", &secret.metadata, index)) } else { None };
        // The kubeconfig is read for a Secret only that needs it.
        let needed = args.namespace.is_some() || secret.metadata.namespace.is_empty();
        let options = SealOptions {
            scope: args.scope,
            name: args.name.as_deref(),
            allow_empty: args.allow_empty_data,
            record_key: args.record_key,
            namespace: &|| if needed { lookup.get() } else { None },
        };
        let sealed = seal(secret, &key, &options, random).map_err(|error| match &object {
            Some(object) => explain(&error).about(object),
            None => explain(&error),
        })?;
        renderer.render(&sealed)
    };
    let secrets = secrets.into_iter().enumerate().collect();
    parallel::in_order(secrets, MANY, || SystemRandom, rendered, |text| output.write_bytes(text.as_bytes()))?;
    output.commit()
}

/// The Secrets of the input, at least one.
pub(super) fn read_secrets(input: Input) -> Result<Vec<Secret>> {
    let name = input.name();
    let (secrets, warnings) = input::secrets(&input.read()?, &name)?;
    for warning in &warnings {
        say(warning);
    }
    if secrets.is_empty() {
        return Err(Error::new("no secrets found. Ensure the input is valid and UTF-8 encoded"));
    }
    Ok(secrets)
}

/// Why a Secret was not sealed, with what to do about it.
pub(super) fn explain(error: &SealError) -> Error {
    let failure = Error::new(error.to_string());
    match error {
        SealError::Item { source, .. } => Error::new(format!("{error}: {source}")),
        SealError::MissingNamespace => {
            failure.hint("name it in the input, with --namespace, or in the context of a kubeconfig")
        }
        SealError::MissingName => failure.hint("name it in the input or with --name"),
        SealError::NamespaceMismatch { .. } => {
            failure.hint("leave --namespace (or SEALED_SECRETS_NAMESPACE) away, or change the input")
        }
        _ => failure,
    }
}
