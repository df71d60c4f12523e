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
