//! Where the sealing certificate comes from, and whether it can be used (spec/kubeseal-cli.md 7).

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, PublicKey};

use crate::args::Args;
use crate::certificate_url::{self, Location};
use crate::cluster::{Access, Controller};
use crate::error::{Error, Result};
use crate::input;

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
        return Controller::connect(access)?.certificate();
    };
    match certificate_url::locate(cert)? {
        Location::File => input::read_file(cert).map(|bytes| bytes.to_vec()),
        Location::Url(url) => certificate_url::get(&url, &access.log),
    }
}

/// The key to seal for: that of the first certificate, which must not have expired by `now`.
///
/// # Errors
/// The reference's words for text without a certificate, another kind of key, and an expired certificate.
pub(crate) fn sealing_key(pem: &[u8], now: Timestamp) -> Result<PublicKey> {
    let failure = |error: sealed_secrets_crypto::CertificateError| Error::new(error.to_string());
    let certificate = Certificate::first_from_pem(pem).map_err(failure)?;
    let key = certificate.rsa_public_key().map_err(failure)?;
    certificate
        .check_not_expired(now)
        .map_err(|error| failure(error).hint("get the controller's current certificate with --fetch-cert"))?;
    Ok(key.clone())
}
