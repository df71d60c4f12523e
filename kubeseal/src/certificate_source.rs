//! Where the sealing certificate comes from, and whether it can be used (spec/kubeseal-cli.md 7).

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, PublicKey};

use crate::args::Args;
use crate::certificate_url::{self, Location, without_password};
use crate::cluster::{Access, Controller};
use crate::error::{Error, Result};
use crate::{input, kubeconfig};

/// The certificate as it is served, unparsed: from `--cert`, otherwise from the controller.
///
/// # Errors
/// When the file, the URL or the controller does not give one.
pub(crate) fn fetch(args: &Args) -> Result<Vec<u8>> {
    fetch_from(args.cert.as_deref(), &args.access())
}

/// The same from a file or URL, or from the controller where there is none.
///
/// # Errors
/// As for [`fetch`].
pub(crate) fn fetch_from(cert: Option<&str>, access: &Access) -> Result<Vec<u8>> {
    let Some(cert) = cert else {
        return Controller::connect(access).map_err(kubeconfig::or_offline)?.certificate();
    };
    match certificate_url::locate(cert)? {
        Location::File => input::read_file(cert).map(|bytes| bytes.to_vec()),
        Location::Url(url) => certificate_url::get(&url, &access.log),
    }
}

/// The key to seal for, from where [`fetch`] gets the certificate.
///
/// # Errors
/// As for [`fetch`] and [`sealing_key`].
pub(crate) fn key(args: &Args) -> Result<PublicKey> {
    sealing_key(&fetch(args)?, args.cert.as_deref(), Timestamp::now())
}

/// The key to seal for: that of the first certificate, which must not have expired by `now`. `cert` is where the text came
/// from, as for [`fetch_from`].
///
/// # Errors
/// The reference's words for text without a certificate, another kind of key, and an expired certificate; and a key of a
/// length that nothing can be sealed with.
pub(crate) fn sealing_key(pem: &[u8], cert: Option<&str>, now: Timestamp) -> Result<PublicKey> {
    let failure = |error: String| {
        Error::new(error).hint(match cert {
            Some(cert) => format!(
                "this is about the certificate in {}; kubeseal --fetch-cert gets the current one",
                without_password(cert)
            ),
            None => {
                "this is about the certificate that the controller publishes; kubeseal --fetch-cert shows it".to_owned()
            }
        })
    };
    let certificate = Certificate::first_from_pem(pem).map_err(|error| failure(error.to_string()))?;
    let key = certificate.rsa_public_key().map_err(|error| failure(error.to_string()))?;
    certificate.check_not_expired(now).map_err(|error| failure(error.to_string()))?;
    key.check_usable().map_err(|error| failure(error.to_string()))?;
    Ok(key.clone())
}
