//! The bodies of requests, bounded in sum: whoever sends hundreds of large ones at a time waits for a place, and the process
//! does not grow (W4).

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::LAST_WORDS;

/// Larger than any object that the API server would store.
pub(super) const LARGEST_BODY: usize = 3 << 20;
/// A body of up to this size needs no place. With a thousand connections that is less than the large ones may take.
const SMALL_BODY: usize = 32 << 10;
/// Large bodies in memory at a time, and of these at most so many taken apart: the parts take far more than the text.
const LARGE_BODIES: usize = 8;
const LARGE_IN_WORK: usize = 2;
/// Longest wait for a place, and longest stay on one while the body comes in: who sends slowly keeps others waiting.
const PLACE_WITHIN: Duration = Duration::from_secs(10);
const LARGE_READ_WITHIN: Duration = Duration::from_secs(30);

/// Reads bodies. Clones share the places.
#[derive(Clone)]
pub struct Bodies {
    places: Arc<Semaphore>,
    in_work: Arc<Semaphore>,
    stop: CancellationToken,
}

/// A body, and its place for as long as it is worked on.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    pub(super) place: Option<LargePlace>,
}

/// The place of a large body; free again when this is dropped.
pub(super) struct LargePlace {
    _held: OwnedSemaphorePermit,
    in_work: Arc<Semaphore>,
}

impl LargePlace {
    /// Waits until the body may be taken apart.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.in_work).acquire_owned().await.ok()
    }
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    /// There are too many large ones already.
    Crowded,
    /// It broke off, or took too long.
    Broken,
    /// The process is about to end.
    Stopping,
}

impl Bodies {
    /// After `stop`, what has not come in within moments is not waited for.
    pub fn new(stop: CancellationToken) -> Bodies {
        let places = |count| Arc::new(Semaphore::new(count));
        Bodies { places: places(LARGE_BODIES), in_work: places(LARGE_IN_WORK), stop }
    }

    /// Reads a body within that time.
    pub(super) async fn read<B>(&self, body: B, within: Duration) -> Result<Received, Unread>
    where
        B: Body<Data = Bytes> + Send,
    {
        let stopping = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            biased;
            read = self.collect(body, Instant::now() + within) => read,
            () = stopping => Err(Unread::Stopping),
        }
    }

    async fn collect<B>(&self, body: B, mut end: Instant) -> Result<Received, Unread>
    where
        B: Body<Data = Bytes> + Send,
    {
        let mut body = std::pin::pin!(body);
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > LARGEST_BODY {
            return Err(Unread::TooLarge);
        }
        let mut place = None;
        let mut bytes = Vec::new();
        if announced > SMALL_BODY {
            place = Some(self.place(&mut end).await?);
        }
        bytes.reserve_exact(announced);
        loop {
            let Some(frame) = timeout_at(end, body.frame()).await.map_err(|_| Unread::Broken)? else {
                return Ok(Received { bytes: bytes.into(), place });
            };
            let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
                continue;
            };
            let size = bytes.len() + data.len();
            if size > LARGEST_BODY {
                return Err(Unread::TooLarge);
            }
            if size > SMALL_BODY && place.is_none() {
                place = Some(self.place(&mut end).await?);
                bytes.reserve_exact(LARGEST_BODY - bytes.len());
            }
            // Copied: a frame keeps the whole of what was read from the connection at once.
            bytes.extend_from_slice(&data);
        }
    }

    /// Waits for a place; whoever has one must be done sooner.
    async fn place(&self, end: &mut Instant) -> Result<LargePlace, Unread> {
        let patience = Instant::now() + PLACE_WITHIN;
        let Ok(Ok(held)) = timeout_at(patience.min(*end), Arc::clone(&self.places).acquire_owned()).await else {
            return Err(Unread::Crowded);
        };
        *end = (Instant::now() + LARGE_READ_WITHIN).min(*end);
        Ok(LargePlace { _held: held, in_work: Arc::clone(&self.in_work) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::stream::{self, StreamExt};
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn bodies() -> Bodies {
        Bodies::new(CancellationToken::new())
    }

    /// A body of these pieces that does not say how long it is, and never ends unless `ends`.
    fn pieces(sizes: &[usize], ends: bool) -> impl Body<Data = Bytes, Error = std::io::Error> + Send + use<> {
        let frames: Vec<_> = sizes.iter().map(|size| Ok(Frame::data(Bytes::from(vec![b'#'; *size])))).collect();
        let rest = stream::pending().take(usize::from(!ends));
        StreamBody::new(stream::iter(frames).chain(rest))
    }

    async fn outcome(bodies: &Bodies, sizes: &[usize], ends: bool) -> Result<usize, Unread> {
        bodies.read(pieces(sizes, ends), MINUTE).await.map(|received| received.bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn two_hundred_large_bodies_at_once_take_no_more_than_their_places() {
        let bodies = bodies();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..200 {
            let bodies = bodies.clone();
            // Half of them announce their length.
            tasks.spawn(async move {
                match index % 2 {
                    0 => bodies.read(pieces(&[SMALL_BODY, LARGEST_BODY / 2], false), 2 * MINUTE).await.map(drop),
                    _ => bodies.read(Full::new(Bytes::from(vec![b'#'; LARGEST_BODY])), MINUTE).await.map(drop),
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(bodies.places.available_permits(), 0, "the slow ones hold all places");
        assert_eq!(outcome(&bodies, &[SMALL_BODY], true).await, Ok(SMALL_BODY), "a small one waits for nobody");
        assert_eq!(outcome(&bodies, &[SMALL_BODY + 1], true).await, Err(Unread::Crowded));
        tokio::time::sleep(LARGE_READ_WITHIN).await;
        assert_eq!(outcome(&bodies, &[LARGEST_BODY], true).await, Ok(LARGEST_BODY), "places come free");
        let results = tasks.join_all().await;
        let broken = results.iter().filter(|result| **result == Err(Unread::Broken)).count();
        assert!((LARGE_BODIES..=2 * LARGE_BODIES).contains(&broken), "{broken} ever got a place and kept it");
        assert_eq!(bodies.places.available_permits(), LARGE_BODIES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_keeps_its_place_while_it_is_worked_on_and_few_are_at_a_time() {
        let bodies = bodies();
        let mut held = Vec::new();
        for _ in 0..LARGE_BODIES {
            held.push(bodies.read(pieces(&[LARGEST_BODY], true), MINUTE).await.unwrap().place.unwrap());
        }
        assert_eq!(outcome(&bodies, &[LARGEST_BODY], true).await, Err(Unread::Crowded));
        let mut turns = Vec::new();
        for place in &held[..LARGE_IN_WORK] {
            turns.push(place.turn().await);
        }
        assert!(tokio::time::timeout(MINUTE, held[LARGE_IN_WORK].turn()).await.is_err());
        turns.clear();
        assert!(held[LARGE_IN_WORK].turn().await.is_some());
        held.clear();
        assert_eq!(outcome(&bodies, &[LARGEST_BODY], true).await, Ok(LARGEST_BODY));
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_are_too_large_or_do_not_end_are_told_apart() {
        let bodies = bodies();
        assert_eq!(outcome(&bodies, &[LARGEST_BODY, 1], false).await, Err(Unread::TooLarge));
        let announced = bodies.read(Full::new(Bytes::from(vec![0; LARGEST_BODY + 1])), MINUTE).await;
        assert_eq!(announced.err(), Some(Unread::TooLarge));
        assert_eq!(outcome(&bodies, &[1], false).await, Err(Unread::Broken));
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_of_the_process_half_a_body_is_waited_for_for_moments() {
        let bodies = bodies();
        let began = tokio::time::Instant::now();
        bodies.stop.cancel();
        assert_eq!(outcome(&bodies, &[1], false).await, Err(Unread::Stopping));
        assert_eq!(began.elapsed(), LAST_WORDS);
        assert_eq!(outcome(&bodies, &[1], true).await, Ok(1), "a whole one is read");
    }
}
