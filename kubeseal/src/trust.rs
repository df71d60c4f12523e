//! Which servers are believed to be who they say they are.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sealed_secrets_crypto::Certificate;
use sealed_secrets_resource::encode_base64;

/// Checks a server's certificate against trusted ones.
///
/// rustls refuses a server that shows a certificate of a certificate authority. Small clusters do just that: their API
/// server signs for itself, and the kubeconfig trusts this very certificate, as Go's clients accept. So a certificate that
/// is itself among the trusted ones only has to bear the right name and be in its time.
#[derive(Debug)]
pub(crate) struct Verifier {
    trusted: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl Verifier {
    /// Trusts these certificates; what cannot be read among them is left out.
    ///
    /// # Errors
    /// When nothing is left.
    pub(crate) fn new(trusted: Vec<CertificateDer<'static>>) -> Result<Arc<Verifier>, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let chains = WebPkiServerVerifier::builder(Arc::new(roots)).build().map_err(|error| error.to_string())?;
        Ok(Arc::new(Verifier { trusted, chains }))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.trusted.iter().any(|trusted| trusted == end_entity) {
            return self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        }
        check_time(end_entity, now)?;
        rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// What went wrong with TLS, for people.
pub(crate) fn in_words(error: &Error) -> String {
    let fault = match error {
        Error::InvalidCertificate(fault) => fault,
        Error::InvalidMessage(_) => return "the server does not speak TLS".to_owned(),
        other => return other.to_string(),
    };
    let words = match fault {
        CertificateError::UnknownIssuer => "it is signed by an unknown authority".to_owned(),
        CertificateError::BadSignature => "its signature is wrong".to_owned(),
        CertificateError::BadEncoding => "it cannot be read".to_owned(),
        CertificateError::Expired => "it has expired".to_owned(),
        CertificateError::NotValidYet => "it is not valid yet".to_owned(),
        CertificateError::Revoked => "it was revoked".to_owned(),
        CertificateError::NotValidForName => "it is for another name".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not one for servers".to_owned()
        }
        // The library below has no words for its errors, only names.
        CertificateError::Other(other) => match other.0.to_string().as_str() {
            "CaUsedAsEndEntity" => {
                "it is that of a certificate authority, which is not among the trusted certificates".to_owned()
            }
            name => name.to_owned(),
        },
        other => other.to_string(),
    };
    format!("{UNTRUSTED}: {words}")
}

/// Whether [`in_words`] spoke of a certificate that is not trusted.
pub(crate) fn is_about_trust(cause: &str) -> bool {
    cause.starts_with(UNTRUSTED)
}

const UNTRUSTED: &str = "invalid peer certificate";

fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", encode_base64(certificate));
    let certificate = Certificate::first_from_pem(pem.as_bytes())
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let now = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    if now < certificate.not_before() {
        Err(Error::InvalidCertificate(CertificateError::NotValidYet))
    } else if now > certificate.not_after() {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;
    use std::time::Duration;

    fn certificate(name: &str) -> CertificateDer<'static> {
        let path = format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
        CertificateDer::from_pem_file(path).unwrap()
    }

    #[test]
    fn a_trusted_certificate_may_be_the_server_s_own_under_its_names_and_in_its_time() {
        crate::transport::install_crypto();
        let in_2026 = 1_780_000_000;
        for (trusted, name, time, good) in [
            ("server.crt", "127.0.0.1", in_2026, true),
            ("server.crt", "mock.test", in_2026, true),
            ("server.crt", "other.test", in_2026, false),
            ("server.crt", "127.0.0.2", in_2026, false),
            ("server.crt", "mock.test", 1_600_000_000, false),
            ("server.crt", "mock.test", 4_900_000_000, false),
            ("a.crt", "mock.test", in_2026, false),
        ] {
            let verifier = Verifier::new(vec![certificate(trusted)]).unwrap();
            let shown = certificate("server.crt");
            let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
            let verdict = verifier.verify_server_cert(&shown, &[], &ServerName::try_from(name).unwrap(), &[], time);
            assert_eq!(verdict.is_ok(), good, "{trusted} {name}: {verdict:?}");
        }
    }
}
