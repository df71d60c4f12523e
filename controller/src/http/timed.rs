//! A connection that ends when the other side stops reading or writing, or sends more of a head than there is room for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

use super::connections::Place;
use super::{LARGE_HEAD, LAST_WORDS, Timeouts};

/// Fails with [`io::ErrorKind::TimedOut`] after a read or write has made no progress for the time allowed.
///
/// After the end of what is written it stays for moments, for a client that is still sending: to close a connection with
/// something unread on it breaks it off, and the reply may be lost (RFC 9112 9.6).
pub(super) struct Timed {
    stream: TcpStream,
    read: Deadline,
    write: Deadline,
    last_words: Option<Pin<Box<Sleep>>>,
    head: HeadBudget,
}

impl Timed {
    pub(super) fn new(stream: TcpStream, timeouts: Timeouts, head: HeadBudget) -> Timed {
        let _ = stream.set_nodelay(true);
        // While a request is worked on nothing is read, and that may take as long as the reply is allowed to.
        Timed {
            stream,
            read: Deadline::new(timeouts.read.saturating_add(timeouts.write)),
            write: Deadline::new(timeouts.write),
            last_words: None,
            head,
        }
    }

    /// Reads to the end of what the other side sends, or for moments.
    fn poll_last_words(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = self.last_words.get_or_insert_with(|| Box::pin(tokio::time::sleep(LAST_WORDS)));
        let mut bytes = [0; 4096];
        while end.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

/// What the heads of requests may take of the memory. One that grows large needs one of few places; the connection keeps it
/// to its end, because the buffer stays that large.
pub(super) struct HeadBudget {
    place: Arc<Place>,
    large: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    /// Requests so far, and bytes since the last one.
    requests: u64,
    read: usize,
}

impl HeadBudget {
    pub(super) fn new(place: &Arc<Place>, large: &Arc<Semaphore>) -> HeadBudget {
        HeadBudget { place: Arc::clone(place), large: Arc::clone(large), held: None, requests: 0, read: 0 }
    }

    /// Counts bytes that came in; `false` if they are too many.
    fn take(&mut self, bytes: usize) -> bool {
        let requests = self.place.requests();
        if self.place.is_busy() || requests != self.requests {
            (self.requests, self.read) = (requests, 0);
        }
        if self.place.is_busy() {
            return true;
        }
        self.read += bytes;
        if self.read > LARGE_HEAD && self.held.is_none() {
            self.held = Arc::clone(&self.large).try_acquire_owned().ok();
            return self.held.is_some();
        }
        true
    }
}

struct Deadline {
    allowed: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(allowed: Duration) -> Deadline {
        Deadline { allowed, timer: None }
    }

    /// Passes on what an operation said, and turns a wait that is over into an error.
    fn watch<T>(&mut self, progress: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.timer = None;
            return progress;
        }
        let allowed = self.allowed;
        let timer = self.timer.get_or_insert_with(|| {
            let now = Instant::now();
            let end = now.checked_add(allowed);
            Box::pin(tokio::time::sleep_until(end.unwrap_or(now + Duration::from_secs(86_400))))
        });
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !self.head.take(buffer.filled().len() - before) {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        self.read.watch(progress, context)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.write.watch(progress, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.write.watch(progress, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.last_words.is_none() {
            let progress = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.write.watch(progress, context))?;
        }
        self.poll_last_words(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::Connections;
    use super::*;

    #[test]
    fn few_heads_may_be_large_at_a_time_and_bodies_do_not_count() {
        let (places, large) = (Connections::new(9), Arc::new(Semaphore::new(1)));
        let connection = || {
            let place = Arc::new(places.enter());
            let head = HeadBudget::new(&place, &large);
            (place, head)
        };
        let ((first_place, mut first), (_, mut second)) = (connection(), connection());
        for _ in 0..50 {
            assert!(first.take(LARGE_HEAD));
            first_place.is_asked(true);
            assert!(first.take(100 * LARGE_HEAD), "a body");
            first_place.is_asked(false);
        }
        assert!(first.take(LARGE_HEAD) && first.take(1) && first.take(LARGE_HEAD));
        assert!(second.take(LARGE_HEAD));
        assert!(!second.take(1), "the only place is taken");
        drop(first);
        assert!(second.take(1), "and free with the end of that connection");
    }
}
