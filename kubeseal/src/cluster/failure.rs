//! Why there is no good answer, and what to try about it.

use std::error::Error as StdError;

use http::StatusCode;
use rustls::{AlertDescription, CertificateError};

use crate::error::{Error, causes, root_cause};
use crate::transport::ProxyFault;

/// A request that came to nothing.
#[derive(Debug, Default)]
pub(super) struct Failure {
    /// What a person is told.
    pub(super) cause: String,
    /// What to try, where it follows from the cause alone.
    pub(super) hint: Option<&'static str>,
    /// The status of the reply, if there was one.
    pub(super) status: Option<StatusCode>,
}

const ADDRESS: &str =
    "is the API server running, and is this its address? --context, --kubeconfig and --server choose another";
const PROXY: &str =
    "the proxy is named by --proxy-url, the kubeconfig, HTTPS_PROXY or HTTP_PROXY; NO_PROXY makes exceptions";
const TRUST: &str = "--certificate-authority or the kubeconfig names the file with the certificates that vouch for the API server; without it \
     those of the system and of SSL_CERT_FILE count";
const SERVER_NAME: &str = "--tls-server-name gives the name to expect in the certificate";
const CLOCK: &str = "is the clock of this machine right? otherwise the API server needs a new certificate";
const CREDENTIALS: &str =
    "the API server does not accept who is asking: log in again, or choose with --context, --user or --token";
const PATIENCE: &str =
    "--request-timeout sets how long to wait; is the API server overloaded, or a firewall in the way?";

impl From<String> for Failure {
    fn from(cause: String) -> Failure {
        Failure { cause, ..Failure::default() }
    }
}

impl From<&str> for Failure {
    fn from(cause: &str) -> Failure {
        cause.to_owned().into()
    }
}

impl Failure {
    /// Nothing came back.
    pub(super) fn without_reply(error: &(dyn StdError + 'static)) -> Failure {
        Failure { cause: root_cause(error), hint: Some(hint(error)), status: None }
    }

    /// The credentials cannot be used, or the server does not want them.
    pub(super) fn about_credentials(cause: &str) -> Failure {
        Failure { hint: Some(CREDENTIALS), ..cause.into() }
    }

    /// Nothing came back in time.
    pub(super) fn late(cause: String) -> Failure {
        Failure { hint: Some(PATIENCE), ..cause.into() }
    }

    /// A reply of this status.
    pub(super) fn of_status(status: StatusCode, cause: String) -> Failure {
        let hint = (status == StatusCode::UNAUTHORIZED).then_some(CREDENTIALS);
        Failure { cause, hint, status: Some(status) }
    }

    /// Whether it looks as if nothing stood behind a Service.
    pub(super) fn nobody_is_there(&self) -> bool {
        self.status.is_some_and(|status| matches!(status.as_u16(), 404 | 502 | 503 | 504))
    }

    /// The same with words in front of the cause.
    pub(super) fn prefix(self, words: &str) -> Failure {
        Failure { cause: format!("{words}: {}", self.cause), ..self }
    }

    /// The error that ends the run; `words` say what could not be done.
    pub(super) fn error(self, words: &str) -> Error {
        let error = Error::new(format!("{words}: {}", self.cause));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn hint(error: &(dyn StdError + 'static)) -> &'static str {
    for cause in causes(error) {
        if cause.is::<ProxyFault>() {
            return PROXY;
        }
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(fault)) => return certificate_hint(fault),
            Some(rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired | AlertDescription::BadCertificate | AlertDescription::UnknownCA,
            )) => return CREDENTIALS,
            _ => {}
        }
    }
    ADDRESS
}

fn certificate_hint(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => SERVER_NAME,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => CLOCK,
        _ => TRUST,
    }
}
