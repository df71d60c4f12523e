//! `/v1/verify`: can this SealedSecret be opened? (spec/controller.md 10.2 to 10.4)
//!
//! Decrypts only. The template is bound by no ciphertext, so whoever could have it rendered here could read values bit by
//! bit from the answers (W1).

use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::{Body, Bytes};
use sealed_secrets_resource::{SealedSecret, UnsealOptions, open_items};
use tracing::error;

use super::body::{parts, read_only};
use super::gate::Gate;
use super::{Reply, empty};
use crate::keys::Keys;
use crate::private_work::PrivateWork;

/// Answers `/v1/verify`.
pub struct Verifier {
    /// Who is let in.
    pub gate: Gate,
    /// Sealing keys.
    pub keys: Arc<Keys>,
    /// Where they are used.
    pub private_work: PrivateWork,
    /// `--accept-deprecated-v1-data`
    pub accept_deprecated_data: bool,
}

impl Verifier {
    /// 200 if the object in the body can be opened, 409 if not, 500 if it is none.
    pub async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send,
    {
        self.gate.admit(request, |body| async { empty(self.verdict(body).await) }).await
    }

    async fn verdict(&self, body: Bytes) -> StatusCode {
        let size = body.len();
        let problem = match self.private_work.run_request(move || read_only(&body)).await {
            Ok(Ok(sealed)) => return self.open(sealed).await,
            Ok(Err(unusable)) => unusable.to_string(),
            Err(interrupted) => interrupted.to_string(),
        };
        error!(error = problem, size, "Error validating secret");
        StatusCode::INTERNAL_SERVER_ERROR
    }

    /// Opens item by item, and stops at the first that does not open.
    async fn open(&self, sealed: SealedSecret) -> StatusCode {
        let options = UnsealOptions { accept_deprecated_data: self.accept_deprecated_data, last: None };
        let snapshot = self.keys.snapshot();
        let mut last = None;
        for part in parts(sealed) {
            let ring = snapshot.ring.clone();
            let options = UnsealOptions { last, ..options };
            let opened = self.private_work.run_request(move || open_items(&part, &ring, &options));
            match opened.await {
                Ok(Ok(opened)) => last = opened.keys.first().copied().or(last),
                Ok(Err(_)) => return StatusCode::CONFLICT,
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR,
            }
        }
        StatusCode::OK
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use http_body_util::Full;

    use tokio_util::sync::CancellationToken;

    use super::super::bodies::Bodies;
    use super::*;
    use crate::args::KeyOrder;
    use crate::metrics::Metrics;
    use crate::rate::Rate;

    const EMPTY: &str = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n";

    fn verifier() -> Verifier {
        let keys = Arc::new(Keys::new(KeyOrder::CertNotBefore, Arc::new(Metrics::new("test"))));
        let bodies = Bodies::new(CancellationToken::new());
        let gate = Gate::new(Rate::new(Duration::from_secs(1), 1000), Duration::from_secs(5), bodies);
        Verifier { gate, keys, private_work: PrivateWork::new(1), accept_deprecated_data: true }
    }

    async fn ask(verifier: &Verifier, body: impl Into<Bytes>) -> u16 {
        let request = Request::post("/v1/verify").body(Full::new(body.into())).unwrap();
        verifier.answer(request).await.status().as_u16()
    }

    #[tokio::test]
    async fn odd_bodies_are_answered_as_the_reference_answers_them() {
        let verifier = verifier();
        let cases: &[(String, u16)] = &[
            (EMPTY.to_owned(), 200),
            (format!("---\n{EMPTY}"), 200),
            (format!("# comment\n\n---\n{EMPTY}"), 200),
            (format!("{EMPTY}...\n"), 200),
            (format!("\u{feff}{EMPTY}"), 200),
            (format!("{EMPTY}x: y\nstatus: {{}}\n"), 200),
            (format!("{EMPTY}---"), 500),
            (format!("{EMPTY}---\n"), 500),
            (format!("{EMPTY}---\n# nothing\n"), 500),
            (format!("{EMPTY}---\n{EMPTY}"), 500),
            (format!("---\n---\n{EMPTY}"), 500),
            (String::new(), 500),
            ("plain text".to_owned(), 500),
            ("{".to_owned(), 500),
            ("[".to_owned(), 500),
            ("{a: ".to_owned(), 500),
            ("kind: SealedSecret\n".to_owned(), 500),
            ("apiVersion: bitnami.com/v1alpha1\n".to_owned(), 500),
            ("apiVersion: v1\nkind: Secret\n".to_owned(), 500),
            ("apiVersion: v1\nkind: List\nitems: []\n".to_owned(), 500),
            ("apiVersion: bitnami.com/v2\nkind: SealedSecret\n".to_owned(), 500),
            (format!("{EMPTY}metadata: {{labels: 5}}\n"), 500),
            (format!("{EMPTY}spec: {{encryptedData: null}}\n"), 200),
            (format!("{EMPTY}spec: {{encryptedData: [a]}}\n"), 200),
            (format!("{EMPTY}spec: {{encrypteddata: {{a: b}}}}\n"), 200),
            (format!("{EMPTY}spec: {{encryptedData: {{a: 5}}}}\n"), 409),
            (format!("{EMPTY}spec: {{encryptedData: {{a: AAAA, b: '%'}}}}\n"), 409),
            (format!("{EMPTY}spec: {{data: AAAA}}\n"), 409),
            (r#"{"kind":"Secret","apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret"}"#.to_owned(), 200),
            (r#"{"kind":"SealedSecret","apiVersion":"bitnami.com/v1alpha1"}{"kind":"x"}"#.to_owned(), 500),
        ];
        for (body, want) in cases {
            assert_eq!(ask(&verifier, body.clone()).await, *want, "{body:?}");
        }
        assert_eq!(ask(&verifier, &b"\xff\xfe\xfd"[..]).await, 500);
    }

    #[tokio::test]
    async fn templates_are_never_looked_at() {
        let body = format!("{EMPTY}spec: {{template: {{data: {{a: '{{{{ fail .x }}}}'}}}}}}\n");
        assert_eq!(ask(&verifier(), body).await, 200);
    }
}
