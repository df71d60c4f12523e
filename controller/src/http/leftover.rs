//! What is left of a request's body when its answer is known: who is refused by the rate limit, for instance, is refused
//! before the body came in.
//!
//! The rest is read, so that the connection can carry the next request; or the reply says that the connection ends. The
//! service proxy of the API server keeps connections, and would otherwise ask again on one that is about to be closed.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::time::timeout;

/// Bytes that are read for nothing, at most; what Go's server reads.
const MOST: usize = 256 << 10;
/// Longest wait for them.
const WITHIN: Duration = Duration::from_secs(1);

/// Reads what is left of a body; `false` if that is too much, or does not come in, or if the client waits to be told to go
/// on (`Expect: 100-continue`).
pub(super) async fn is_read<B>(mut body: B, is_waiting: bool) -> bool
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return true;
    }
    if is_waiting || body.size_hint().lower() > MOST as u64 {
        return false;
    }
    let to_the_end = async {
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            size += frame.ok()?.data_ref().map_or(0, Bytes::len);
            if size > MOST {
                return None;
            }
        }
        Some(())
    };
    matches!(timeout(WITHIN, to_the_end).await, Ok(Some(())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use futures::stream::{self, StreamExt};
    use http::{Method, Request, StatusCode};
    use http_body_util::{Full, StreamBody};
    use hyper::body::{Frame, Incoming};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;

    use super::super::{Reply, Service, Timeouts, serve, text};
    use super::*;

    /// Reads the body of a PUT, and looks at no other.
    struct Refusing;

    impl Service for Refusing {
        async fn answer(&self, request: Request<&mut Incoming>) -> Reply {
            if request.method() == Method::PUT {
                request.into_body().collect().await.unwrap();
            }
            text(StatusCode::TOO_MANY_REQUESTS, "no\n")
        }
    }

    async fn connected() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let minute = Duration::from_secs(60);
        let timeouts = Timeouts { read: minute, write: minute };
        tokio::spawn(serve(listener, Arc::new(Refusing), timeouts, CancellationToken::new()));
        TcpStream::connect(address).await.unwrap()
    }

    async fn read_reply(connection: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\nno\n") {
            text.push(connection.read_u8().await.unwrap());
        }
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn a_connection_carries_the_next_request_whether_the_body_was_looked_at_or_not() {
        let mut connection = connected().await;
        let pieces = "a\r\n0123456789\r\n";
        for parts in [
            ["POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n", "01234", "56789"],
            ["POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", pieces, "0\r\n\r\n"],
            ["PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n", "01234", "56789"],
            ["PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", pieces, "0\r\n\r\n"],
        ] {
            for part in parts {
                connection.write_all(part.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let reply = read_reply(&mut connection).await;
            assert!(reply.starts_with("HTTP/1.1 429 ") && !reply.contains("connection:"), "{reply}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_is_said_to_end_and_the_reply_arrives() {
        let much = (MOST + 1).to_string();
        let heads = [
            format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {much}\r\n\r\n"),
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nf00000\r\n".to_owned(),
        ];
        for head in heads {
            let mut connection = connected().await;
            connection.write_all(head.as_bytes()).await.unwrap();
            // More than the buffers of both sides hold, by a client that sends everything before it looks for a reply.
            connection.write_all(&vec![b'#'; 8 << 20]).await.unwrap();
            let mut reply = String::new();
            connection.read_to_string(&mut reply).await.unwrap();
            assert!(reply.contains("\r\nconnection: close\r\n") && reply.ends_with("\r\n\r\nno\n"), "{reply}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_in_is_not_waited_for() {
        let piece = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(b"half")));
        let began = tokio::time::Instant::now();
        assert!(!is_read(StreamBody::new(stream::iter([piece]).chain(stream::pending())), false).await);
        assert_eq!(began.elapsed(), WITHIN);
        assert!(is_read(Full::new(Bytes::from(vec![0; MOST])), false).await);
        assert!(!is_read(Full::new(Bytes::from(vec![0; MOST + 1])), false).await);
        assert!(!is_read(Full::new(Bytes::from_static(b"x")), true).await);
        assert!(is_read(Full::new(Bytes::new()), true).await);
    }
}
