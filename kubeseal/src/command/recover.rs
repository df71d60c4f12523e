//! Opens SealedSecrets offline with backed-up keys (spec/kubeseal-cli.md 10.7).

mod likely_key;
mod share;

use jiff::Timestamp;
use sealed_secrets_crypto::{Fingerprint, KeyRing, SystemRandom};
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{Scope, SealedSecret, Secret, UnsealError, UnsealOptions, Unsealed, unseal};

use self::share::{Share, shares};
use super::none_found;
use crate::args::Args;
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::output::Output;
use crate::{key_files, parallel};

/// From so many shares on threads pay: a private operation takes much longer than starting a thread.
const MANY: usize = 2;

pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let mut output = Output::prepare_private(args.sealed_secret_file.as_deref(), &args.format)?;
    let ring = key_files::read(&args.recovery_private_keys, &args.unlock)?;
    let name = input.name();
    let mut sealed_secrets = input::recoverable(&input.read()?, &name)?;
    if sealed_secrets.is_empty() {
        return Err(none_found());
    }
    for sealed in &mut sealed_secrets {
        fill_in_namespace(sealed, args.namespace.as_deref());
    }

    let first_guess = likely_key::find(&sealed_secrets[0], &ring);
    let several = sealed_secrets.len() > 1;
    let open = |last: &mut Option<Fingerprint>, share: Share<'_>| {
        // A key that the object names itself is a better guess than the one that opened its neighbour.
        let hint = last.filter(|_| !likely_key::is_named(&share.part, &ring));
        match unsealed(&share.part, &ring, hint) {
            Ok(unsealed) => {
                *last = unsealed.keys.first().copied().or(*last);
                Ok((unsealed.secret, share.ends_object))
            }
            // The message names every item of the object that failed.
            Err(error) if share.is_partial() => {
                let error = unsealed(share.whole, &ring, None).err().unwrap_or(error);
                Err(explain(&error, share.whole, &ring, several))
            }
            Err(error) => Err(explain(&error, share.whole, &ring, several)),
        }
    };
    let mut unfinished: Option<Secret> = None;
    parallel::in_order(
        shares(&sealed_secrets),
        MANY,
        || first_guess,
        open,
        |(mut secret, ends_object)| {
            if let Some(before) = unfinished.take() {
                secret.data.extend(before.data);
            }
            if ends_object {
                return output.write_resource(&secret);
            }
            unfinished = Some(secret);
            Ok(())
        },
    )?;
    output.commit()
}

/// Opens an object and renders its templates within the controller's limits. Whoever runs this may wait as long as those
/// take.
fn unsealed(
    sealed: &SealedSecret,
    ring: &KeyRing,
    last: Option<Fingerprint>,
) -> std::result::Result<Unsealed, UnsealError> {
    let options = UnsealOptions { accept_deprecated_data: true, last };
    let environment = RenderEnvironment {
        now: Timestamp::now(),
        random: &mut SystemRandom,
        limits: Limits::default(),
        stop: &|| false,
    };
    unseal(sealed, ring, &options, environment)
}

/// An object that names no namespace was applied to the one that `--namespace` then said.
fn fill_in_namespace(sealed: &mut SealedSecret, namespace: Option<&str>) {
    if let Some(namespace) = namespace
        && sealed.metadata.namespace.is_empty()
        && sealed.scope() != Scope::ClusterWide
    {
        namespace.clone_into(&mut sealed.metadata.namespace);
    }
}

fn explain(error: &UnsealError, sealed: &SealedSecret, ring: &KeyRing, several: bool) -> Error {
    // Whoever holds the keys may see the values that a template's error can quote.
    let message = error.in_full();
    let mut hints = Vec::new();
    if several {
        hints.push(format!("this is about SealedSecret {}", display_name(sealed)));
    }
    if error.lacks_key() {
        hints.push(match ring.len() {
            0 => "name the files with the backed-up keys with --recovery-private-key".to_owned(),
            _ if sealed.metadata.namespace.is_empty() && sealed.scope() != Scope::ClusterWide => {
                "the SealedSecret names no namespace; --namespace can".to_owned()
            }
            keys => format!(
                "tried {keys} key{}; was it sealed for another one, or renamed or moved after sealing?",
                if keys == 1 { "" } else { "s" }
            ),
        });
    }
    let failure = Error::new(message);
    if hints.is_empty() { failure } else { failure.hint(hints.join("; ")) }
}

fn display_name(sealed: &SealedSecret) -> String {
    let metadata = &sealed.metadata;
    if metadata.namespace.is_empty() {
        metadata.name.clone()
    } else {
        format!("{}/{}", metadata.namespace, metadata.name)
    }
}
