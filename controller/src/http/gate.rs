//! What `/v1/verify` and `/v1/rotate` do before they look at a request: the rate limit, then the body, within a bound on its
//! size and on the time it may take (spec/controller.md 10.4, W4).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};

use super::limit::Limiter;
use super::{Reply, empty, refusal};
use crate::rate::{Decision, Rate};

/// Larger than any object that the API server would store.
pub(super) const LARGEST_BODY: usize = 3 << 20;
/// Longest part of a header that tells clients apart.
const LONGEST_CLIENT: usize = 256;

/// Lets the requests to one path in.
pub struct Gate {
    start: Instant,
    limiter: Mutex<Limiter>,
    read_timeout: Duration,
}

impl Gate {
    /// With fresh buckets.
    pub fn new(rate: Rate, read_timeout: Duration) -> Gate {
        Gate { start: Instant::now(), limiter: Mutex::new(Limiter::new(rate)), read_timeout }
    }

    /// Answers with `work` on the body of a request that keeps to the limits, and otherwise itself.
    pub async fn admit<B, W>(&self, request: Request<B>, work: impl FnOnce(Bytes) -> W + Send) -> Reply
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        W: Future<Output = Reply> + Send,
    {
        let client = client_of(&request);
        let decision = {
            let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
            limiter.decide(&client, self.start.elapsed())
        };
        let mut reply = match decision.allowed {
            true => match self.read(request.into_body()).await {
                Ok(body) => work(body).await,
                Err(status) => empty(status),
            },
            false => refusal(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n"),
        };
        add_limit_headers(&mut reply, &decision);
        reply
    }

    async fn read<B>(&self, body: B) -> Result<Bytes, StatusCode>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let collected = tokio::time::timeout(self.read_timeout, Limited::new(body, LARGEST_BODY).collect()).await;
        match collected {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(problem)) if problem.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Err(_)) | Err(_) => Err(StatusCode::BAD_REQUEST),
        }
    }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn ask(gate: &Gate, client: &str, body: impl Into<Bytes>) -> Reply {
        let request = Request::post("/v1/verify").header("X-Forwarded-For", client);
        let request = request.body(Full::new(body.into())).unwrap();
        gate.admit(request, async |_| empty(StatusCode::OK)).await
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_not_read() {
        let gate = Gate::new(Rate::new(Duration::from_secs(1), 1000), Duration::from_secs(5));
        assert_eq!(ask(&gate, "a", vec![b'#'; LARGEST_BODY + 1]).await.status(), 413);
        assert_eq!(ask(&gate, "a", vec![b'#'; LARGEST_BODY]).await.status(), 200);
    }

    #[tokio::test]
    async fn the_limit_counts_by_forwarded_client_and_shows_in_headers() {
        let gate = Gate::new(Rate::new(Duration::from_secs(60), 1), Duration::from_secs(5));
        assert_eq!(ask(&gate, "a", "x").await.status(), 200);
        assert_eq!(ask(&gate, "b", "x").await.status(), 200);
        let refused = ask(&gate, "A", "x").await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "60");
        assert_eq!(refused.headers()["x-ratelimit-limit"], "1");
        assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
        assert_eq!(refused.headers()["content-type"], "text/plain; charset=utf-8");
        let body = refused.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], b"limit exceeded\n");
    }
}
