//! `/metrics`, on a listener of its own (spec/controller.md 10.7): packed by gzip for who takes that.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;

use super::{Reply, Service, reply, unknown};
use crate::keys::Keys;
use crate::leadership::Leadership;
use crate::metrics::state::State;
use crate::metrics::{self, Metrics};
use crate::object::ObjectKey;
use crate::queue::Queue;
use crate::store::Store;

/// What the metrics listener answers from.
pub struct MetricsService {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Conditions of the SealedSecrets.
    pub store: Arc<Store>,
    /// Sealing keys.
    pub keys: Arc<Keys>,
    /// What is to be done.
    pub queue: Arc<Queue<ObjectKey>>,
    /// Whether this replica is the one that shows objects.
    pub leadership: Leadership,
}

impl Service for MetricsService {
    async fn answer(&self, request: Request<&mut Incoming>) -> Reply {
        match request.uri().path() {
            "/metrics" => {
                let _scrape = self.metrics.scrape();
                self.answer_scrape(takes_gzip(request.headers())).await
            }
            _ => unknown(&request),
        }
    }
}

impl MetricsService {
    async fn answer_scrape(&self, packed: bool) -> Reply {
        let page = self.page();
        if !packed {
            return reply(StatusCode::OK, metrics::CONTENT_TYPE, page);
        }
        // With thousands of objects this takes milliseconds.
        match tokio::task::spawn_blocking(move || gzip(page.as_bytes())).await {
            Ok(Ok(bytes)) => {
                let mut reply = reply(StatusCode::OK, metrics::CONTENT_TYPE, bytes);
                reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                reply
            }
            _ => super::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn page(&self) -> String {
        let mut state = State {
            is_leading: self.leadership.is_leading(),
            trials: self.keys.trials(),
            keys: self.keys.snapshot().samples(),
            queue: self.queue.samples(),
            ..State::default()
        };
        let mut conditions = Vec::new();
        if state.is_leading {
            conditions = self.store.conditions();
            state.by_key = self.store.by_key();
        }
        self.metrics.render(conditions) + &state.render()
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Whether a request names gzip among the codings that it takes (RFC 9110 12.5.3) and does not weigh it with zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f64>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn gzip_is_sent_to_who_names_it_and_does_not_weigh_it_with_zero() {
        let cases = [
            (&[][..], false),
            (&["gzip"][..], true),
            (&["deflate, GZIP;q=0.5"], true),
            (&["deflate", "br, gzip"], true),
            (&["gzip;q=0"], false),
            (&["gzip; q=0.0, identity"], false),
            (&["gzip;q=much"], false),
            (&["identity"], false),
            (&["*"], false),
        ];
        for (values, want) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(takes_gzip(&headers), want, "{values:?}");
        }
    }

    #[test]
    fn what_was_packed_unpacks_to_the_same() {
        let page = "a_total 1\n".repeat(10_000);
        let packed = gzip(page.as_bytes()).unwrap();
        assert!(packed.len() * 20 < page.len(), "{} bytes", packed.len());
        let mut unpacked = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, page);
    }
}
