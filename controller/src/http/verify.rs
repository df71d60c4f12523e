//! `/v1/verify`: can this SealedSecret be opened? (spec/controller.md 10.2 to 10.4)
//!
//! Decrypts only. The template is bound by no ciphertext, so whoever could have it rendered here could read values bit by
//! bit from the answers (W1). Nothing of a body is ever logged (W45).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use sealed_secrets_resource::document::{Node, NodeValue, read_object};
use sealed_secrets_resource::{API_VERSION, KIND, Rules, SealedSecret, UnsealOptions, open_items};
use tracing::error;

use super::limit::Limiter;
use super::{Reply, empty, refusal};
use crate::keys::Keys;
use crate::private_work::PrivateWork;
use crate::rate::{Decision, Rate};

/// Larger than any object that the API server would store.
const LARGEST_BODY: usize = 3 << 20;
/// Longest part of a header that tells clients apart.
const LONGEST_CLIENT: usize = 256;

/// Answers `/v1/verify`.
pub struct Verifier {
    start: Instant,
    limiter: Mutex<Limiter>,
    keys: Arc<Keys>,
    private_work: PrivateWork,
    accept_deprecated_data: bool,
    read_timeout: Duration,
}

/// Why a body is no SealedSecret. Says what is missing, never what is there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Unusable {
    #[error("the body is empty")]
    Empty,
    #[error("the body is no YAML or JSON object: {0}")]
    NoDocument(String),
    #[error("more than one YAML document is not supported")]
    SeveralDocuments,
    #[error("field {0:?} is missing")]
    Missing(&'static str),
    #[error("the object is no {KIND} of {API_VERSION}")]
    OtherKind,
    #[error("the SealedSecret is malformed: {0}")]
    Malformed(String),
}

impl Verifier {
    /// With fresh buckets.
    pub fn new(
        rate: Rate,
        keys: Arc<Keys>,
        private_work: PrivateWork,
        accept_deprecated_data: bool,
        read_timeout: Duration,
    ) -> Verifier {
        Verifier {
            start: Instant::now(),
            limiter: Mutex::new(Limiter::new(rate)),
            keys,
            private_work,
            accept_deprecated_data,
            read_timeout,
        }
    }

    /// 200 if the object in the body can be opened, 409 if not, 500 if it is none.
    pub async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let client = client_of(&request);
        let decision = {
            let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
            limiter.decide(&client, self.start.elapsed())
        };
        let mut reply = match decision.allowed {
            true => empty(self.verdict(request.into_body()).await),
            false => refusal(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n"),
        };
        add_limit_headers(&mut reply, &decision);
        reply
    }

    async fn verdict<B>(&self, body: B) -> StatusCode
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let collected = tokio::time::timeout(self.read_timeout, Limited::new(body, LARGEST_BODY).collect()).await;
        let body = match collected {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(problem)) if problem.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE,
            Ok(Err(_)) | Err(_) => return StatusCode::BAD_REQUEST,
        };
        let size = body.len();
        let problem = match self.private_work.run_request(move || parse(&body)).await {
            Ok(Ok(sealed)) => return self.open(sealed).await,
            Ok(Err(unusable)) => unusable.to_string(),
            Err(interrupted) => interrupted.to_string(),
        };
        error!(error = problem, size, "Error validating secret");
        StatusCode::INTERNAL_SERVER_ERROR
    }

    /// Opens item by item, and stops at the first that does not open: a body with thousands of them must neither hold a
    /// core for long nor cost more than it has to.
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

/// The object once per item; whole if it has the deprecated form.
fn parts(sealed: SealedSecret) -> impl Iterator<Item = SealedSecret> + Send {
    let mut shell = sealed;
    let (whole, items) = match shell.spec.data {
        Some(_) => (Some(shell.clone()), std::collections::BTreeMap::new()),
        None => (None, std::mem::take(&mut shell.spec.encrypted_data)),
    };
    let each = items.into_iter().map(move |item| {
        let mut part = shell.clone();
        part.spec.encrypted_data = [item].into();
        part
    });
    whole.into_iter().chain(each)
}

/// The bucket of a request: the first `X-Forwarded-For` in lower case, and the path.
fn client_of<B>(request: &Request<B>) -> String {
    let header = request.headers().get("x-forwarded-for");
    let text = String::from_utf8_lossy(header.map_or(&[][..], HeaderValue::as_bytes));
    let client: String = text.chars().take(LONGEST_CLIENT).collect();
    format!("{}{}", client.to_lowercase(), request.uri().path())
}

fn add_limit_headers(reply: &mut Reply, decision: &Decision) {
    let headers = reply.headers_mut();
    let mut put = |name: HeaderName, value: u64| headers.insert(name, HeaderValue::from(value));
    put(HeaderName::from_static("x-ratelimit-limit"), decision.limit.into());
    put(HeaderName::from_static("x-ratelimit-remaining"), decision.remaining.into());
    put(HeaderName::from_static("x-ratelimit-reset"), decision.reset);
    if !decision.allowed {
        put(RETRY_AFTER, decision.retry_after());
    }
}

/// Reads one SealedSecret from YAML or JSON.
fn parse(body: &[u8]) -> Result<SealedSecret, Unusable> {
    if has_several_documents(body) {
        return Err(Unusable::SeveralDocuments);
    }
    let document = read_object(body).map_err(|problem| Unusable::NoDocument(problem.to_string()))?;
    let root = document.ok_or(Unusable::Empty)?.root;
    if text(&root, "kind")? != KIND || text(&root, "apiVersion")? != API_VERSION {
        return Err(Unusable::OtherKind);
    }
    SealedSecret::from_node(&root, Rules::Strict).map_err(|problem| Unusable::Malformed(problem.to_string()))
}

fn text<'a>(root: &'a Node, field: &'static str) -> Result<&'a str, Unusable> {
    match root.get(field).map(|node| &node.value) {
        Some(NodeValue::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(Unusable::Missing(field)),
    }
}

/// Whether a `---` line stands anywhere but at the beginning. As in the reference, also one with nothing behind it counts.
fn has_several_documents(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut content_seen = false;
    for line in body.split(|byte| *byte == b'\n') {
        let is_separator =
            line.strip_prefix(b"---").is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace));
        let is_blank = match line.trim_ascii_start().first() {
            None => true,
            Some(first) => *first == b'#' || (line[0] == b'%' && !content_seen),
        };
        if is_separator && content_seen {
            return true;
        }
        // A second separator is one too many as well.
        content_seen |= is_separator || !is_blank;
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http_body_util::Full;

    use super::*;
    use crate::args::KeyOrder;
    use crate::metrics::Metrics;

    const EMPTY: &str = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n";

    fn verifier() -> Verifier {
        let keys = Arc::new(Keys::new(KeyOrder::CertNotBefore, Arc::new(Metrics::new("test"))));
        let rate = Rate::new(Duration::from_secs(1), 1000);
        Verifier::new(rate, keys, PrivateWork::new(1), true, Duration::from_secs(5))
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

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_not_read() {
        assert_eq!(ask(&verifier(), vec![b'#'; LARGEST_BODY + 1]).await, 413);
        let mut largest = EMPTY.as_bytes().to_vec();
        largest.resize(LARGEST_BODY, b'\n');
        assert_eq!(ask(&verifier(), largest).await, 200);
    }

    #[tokio::test]
    async fn the_limit_counts_by_forwarded_client_and_shows_in_headers() {
        let keys = Arc::new(Keys::new(KeyOrder::CertNotBefore, Arc::new(Metrics::new("test"))));
        let rate = Rate::new(Duration::from_secs(60), 1);
        let verifier = Verifier::new(rate, keys, PrivateWork::new(1), true, Duration::from_secs(5));
        let ask = async |client: &str| {
            let request = Request::post("/v1/verify").header("X-Forwarded-For", client);
            verifier.answer(request.body(Full::new(Bytes::from(EMPTY))).unwrap()).await
        };
        assert_eq!(ask("a").await.status(), 200);
        assert_eq!(ask("b").await.status(), 200);
        let refused = ask("A").await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "60");
        assert_eq!(refused.headers()["x-ratelimit-limit"], "1");
        assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
        assert_eq!(refused.headers()["content-type"], "text/plain; charset=utf-8");
        let body = refused.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], b"limit exceeded\n");
    }

    #[test]
    fn what_is_logged_of_a_body_never_holds_its_values() {
        let secret = "apiVersion: v1\ndata: {password: czNjcmV0}\nstringData: {x: s3cret}\n";
        for body in [secret.to_owned(), format!("{secret}kind: Secret\n"), format!("{secret}bad: [")] {
            let problem = parse(body.as_bytes()).unwrap_err().to_string();
            assert!(!problem.contains("czNjcmV0") && !problem.contains("s3cret"), "{problem}");
        }
    }
}
