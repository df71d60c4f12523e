//! What `/v1/verify` and `/v1/rotate` do before they look at a request: the rate limit, then the body, within a bound on its
//! size and on the time it may take (spec/controller.md 10.4, W4).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, StatusCode};
use hyper::body::{Body, Bytes};

use super::bodies::{Bodies, Unread};
use super::limit::Limiter;
use super::{Reply, empty, refusal};
use crate::rate::{Decision, Rate};

/// Longest part of a header that tells clients apart.
const LONGEST_CLIENT: usize = 256;
/// When to come again after there was no place for a large body, in seconds.
const CROWDED_FOR: u64 = 5;

/// Lets the requests to one path in.
pub struct Gate {
    start: Instant,
    limiter: Mutex<Limiter>,
    read_timeout: Duration,
    bodies: Bodies,
}

impl Gate {
    /// With fresh buckets.
    pub fn new(rate: Rate, read_timeout: Duration, bodies: Bodies) -> Gate {
        Gate { start: Instant::now(), limiter: Mutex::new(Limiter::new(rate)), read_timeout, bodies }
    }

    /// Answers with `work` on the body of a request that keeps to the limits, and otherwise itself.
    pub async fn admit<B, W>(&self, request: Request<B>, work: impl FnOnce(Bytes) -> W + Send) -> Reply
    where
        B: Body<Data = Bytes> + Send,
        W: Future<Output = Reply> + Send,
    {
        let client = client_of(&request);
        let decision = {
            let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
            limiter.decide(&client, self.start.elapsed())
        };
        let mut reply = match decision.allowed {
            true => match self.bodies.read(request.into_body(), self.read_timeout).await {
                Ok(body) => {
                    let _turn = match &body.place {
                        Some(place) => place.turn().await,
                        None => None,
                    };
                    work(body.bytes).await
                }
                Err(unread) => unread_reply(unread),
            },
            false => refusal(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n"),
        };
        add_limit_headers(&mut reply, &decision);
        reply
    }
}

fn unread_reply(unread: Unread) -> Reply {
    match unread {
        Unread::TooLarge => empty(StatusCode::PAYLOAD_TOO_LARGE),
        Unread::Broken => empty(StatusCode::BAD_REQUEST),
        Unread::Stopping => empty(StatusCode::SERVICE_UNAVAILABLE),
        Unread::Crowded => {
            // Kubernetes client libraries wait and come again.
            let mut reply = refusal(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n");
            reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(CROWDED_FOR));
            reply
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
    use http_body_util::{BodyExt, Full};
    use tokio_util::sync::CancellationToken;

    use super::super::bodies::LARGEST_BODY;
    use super::*;

    fn gate(rate: Rate) -> Gate {
        Gate::new(rate, Duration::from_secs(5), Bodies::new(CancellationToken::new()))
    }

    async fn ask(gate: &Gate, client: &str, body: impl Into<Bytes>) -> Reply {
        let request = Request::post("/v1/verify").header("X-Forwarded-For", client);
        let request = request.body(Full::new(body.into())).unwrap();
        gate.admit(request, async |_| empty(StatusCode::OK)).await
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_not_read() {
        let gate = gate(Rate::new(Duration::from_secs(1), 1000));
        assert_eq!(ask(&gate, "a", vec![b'#'; LARGEST_BODY + 1]).await.status(), 413);
        assert_eq!(ask(&gate, "a", vec![b'#'; LARGEST_BODY]).await.status(), 200);
    }

    #[test]
    fn where_there_is_no_place_for_a_body_the_client_is_told_when_to_come_again() {
        let reply = unread_reply(Unread::Crowded);
        assert_eq!(reply.status(), 429);
        assert_eq!(reply.headers()["retry-after"], "5");
    }

    #[tokio::test]
    async fn the_limit_counts_by_forwarded_client_and_shows_in_headers() {
        let gate = gate(Rate::new(Duration::from_secs(60), 1));
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
