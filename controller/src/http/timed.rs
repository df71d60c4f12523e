//! A connection that ends when the other side stops reading or writing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::Timeouts;

/// Fails with [`io::ErrorKind::TimedOut`] after a read or write has made no progress for the time allowed.
pub(super) struct Timed {
    stream: TcpStream,
    read: Deadline,
    write: Deadline,
}

impl Timed {
    pub(super) fn new(stream: TcpStream, timeouts: Timeouts) -> Timed {
        // While a request is worked on nothing is read, and that may take as long as the reply is allowed to.
        Timed {
            stream,
            read: Deadline::new(timeouts.read.saturating_add(timeouts.write)),
            write: Deadline::new(timeouts.write),
        }
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
        let progress = Pin::new(&mut self.stream).poll_read(context, buffer);
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
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.write.watch(progress, context)
    }
}
