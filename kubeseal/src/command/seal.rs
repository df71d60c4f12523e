//! Secrets in, SealedSecrets out (spec/kubeseal-cli.md 10.1).

use std::cell::OnceCell;

use jiff::Timestamp;
use sealed_secrets_crypto::SystemRandom;
use sealed_secrets_resource::{SealOptions, seal};

use crate::args::Args;
use crate::certificate_source;
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::output::Output;
use crate::{kubeconfig, say};

pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let mut output = Output::prepare(args.sealed_secret_file.as_deref(), &args.format)?;
    let certificate = certificate_source::fetch(args)?;
    let key = certificate_source::sealing_key(&certificate, Timestamp::now())?;

    let text = input.read()?;
    let (secrets, warnings) = input::secrets(&text)?;
    drop(text);
    for warning in &warnings {
        say(warning);
    }
    if secrets.is_empty() {
        return Err(Error::new("no secrets found. Ensure the input is valid and UTF-8 encoded"));
    }

    let looked_up = OnceCell::new();
    for secret in secrets {
        // The kubeconfig is read once at most, and only for a Secret that needs it. Where no namespace can be found the
        // Secret has to name one, and the error says so.
        let needed = args.namespace.is_some() || secret.metadata.namespace.is_empty();
        let look_up = || kubeconfig::namespace(args.namespace.as_deref(), &args.overrides, &args.log).ok();
        let namespace = || if needed { looked_up.get_or_init(look_up).clone() } else { None };
        let options = SealOptions {
            scope: args.scope,
            name: args.name.as_deref(),
            allow_empty: args.allow_empty_data,
            record_key: args.record_key,
            namespace: &namespace,
        };
        let sealed = seal(secret, &key, &options, &mut SystemRandom).map_err(|error| explain(&error))?;
        output.write_resource(&sealed)?;
    }
    output.commit()
}

fn explain(error: &sealed_secrets_resource::SealError) -> Error {
    use sealed_secrets_resource::SealError;
    match error {
        SealError::Item { source, .. } => Error::new(format!("{error}: {source}")),
        SealError::MissingNamespace => Error::new(error.to_string())
            .hint("name it in the input, with --namespace, or in the context of a kubeconfig"),
        SealError::MissingName => Error::new(error.to_string()).hint("name it in the input or with --name"),
        SealError::NamespaceMismatch { .. } => Error::new(error.to_string())
            .hint("leave --namespace (or SEALED_SECRETS_NAMESPACE) away, or change the input"),
        _ => Error::new(error.to_string()),
    }
}
