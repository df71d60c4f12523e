//! Clients that mean no good, or nothing at all: whoever else asks is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use http::Method;
use sealed_secrets_tests::{Controller, World, end_to_end, eventually};
use serde_json::json;

/// Memory that a hundred large bodies may take, together. One alone is larger.
const MEMORY: f64 = 48.0 * 1024.0 * 1024.0;
const LARGE: usize = 100 << 20;

/// Section 10.1: methods are never looked at, not even those that nobody knows.
#[test]
fn every_method_is_answered_alike_on_every_path() {
    end_to_end(|world| {
        let controller = generous(world);
        let sealed = world.sealed("db", &[("foo", &world.plant())]).to_string();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "PROPFIND", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let is_head = method == Method::HEAD;
            let ask = |path: &str, body: &str| controller.request(method.clone(), path, &[], body).unwrap();
            for (path, body, status) in [
                ("/healthz", "", 200),
                ("/readyz", "", 200),
                ("/v1/cert.pem", "", 200),
                ("/v1/verify", sealed.as_str(), 200),
                ("/v1/verify", "garbage", 500),
                ("/v1/rotate", sealed.as_str(), 200),
                ("/nothing", "", 404),
            ] {
                let reply = ask(path, body);
                assert_eq!(reply.status, status, "{method} {path}");
                assert!(!is_head || reply.body.is_empty(), "HEAD {path} has a body");
            }
        }
    });
}

#[test]
fn bodies_of_a_hundred_mebibytes_are_refused_and_not_kept() {
    end_to_end(|world| {
        let controller = generous(world);
        controller.certificate();
        let before = resident(&controller);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..8)
                .map(|index| {
                    let controller = &controller;
                    scope.spawn(move || {
                        let path = ["/v1/verify", "/v1/rotate", "/v1/cert.pem", "/nothing"][index % 4];
                        send_large(controller, path, index >= 4)
                    })
                })
                .collect();
            let mut most = 0.0_f64;
            while senders.iter().any(|sender| !sender.is_finished()) {
                assert_eq!(controller.get("/healthz").status, 200);
                most = most.max(resident(&controller) - before);
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(most < MEMORY, "{most} bytes more");
            for (index, sender) in senders.into_iter().enumerate() {
                let status = sender.join().unwrap();
                let wanted = [413, 413, 200, 404][index % 4];
                // Who goes on sending may find the connection closed before the answer is read.
                assert!(status.is_none_or(|status| status == wanted), "{index}: {status:?}");
            }
        });
        world.create_synced("db", &[("foo", &world.plant())]);
    });
}

/// W4: many bodies within the limit, none of which comes to its end. Nor do many heads.
#[test]
fn hundreds_of_large_bodies_and_heads_at_a_time_take_little_memory_together() {
    end_to_end(|world| {
        let controller = generous(world);
        let sealed = world.sealed("db", &[("foo", &world.plant())]).to_string();
        let before = resident(&controller);
        for begin in ["GET /healthz HTTP/1.1\r\nX: ", "POST /v1/verify HTTP/1.1\r\nContent-Length: 3100000\r\n\r\n"] {
            let connections: Vec<TcpStream> = (0..150)
                .map(|_| {
                    let mut connection = TcpStream::connect(controller.address()).unwrap();
                    connection.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
                    // As much as is taken.
                    let _ = connection.write_all(begin.as_bytes());
                    let _ = connection.write_all(&vec![b'#'; 1_000_000]);
                    connection
                })
                .collect();
            let more = resident(&controller) - before;
            assert!(more < 2.0 * MEMORY, "{more} bytes more");
            assert_eq!(controller.post("/v1/verify", &sealed).status, 200, "a small body waits for nobody");
            drop(connections);
        }
    });
}

#[test]
fn clients_that_send_a_byte_now_and_then_are_cut_off() {
    end_to_end(|world| {
        let controller = world.controller().arg("--read-timeout=2s").arg("--write-timeout=2s").start();
        let mut head = TcpStream::connect(controller.address()).unwrap();
        let mut body = TcpStream::connect(controller.address()).unwrap();
        body.write_all(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").unwrap();
        let began = Instant::now();
        let (mut head_ended, mut body_ended) = (false, false);
        while !(head_ended && body_ended) {
            assert!(began.elapsed() < Duration::from_secs(20), "head {head_ended}, body {body_ended}");
            head_ended = head_ended || !dribble(&mut head, b"G");
            body_ended = body_ended || !dribble(&mut body, b"x");
            assert_eq!(controller.get("/healthz").status, 200);
            std::thread::sleep(Duration::from_millis(200));
        }
    });
}

/// The service proxy of the API server keeps connections to the controller: it must not ask on one that is about to end.
#[test]
fn who_is_refused_through_the_api_server_is_refused_by_the_controller_every_time() {
    end_to_end(|world| {
        world.controller().start().certificate();
        let service = format!("/api/v1/namespaces/{}/services/http:sealed-secrets-controller:/proxy", world.namespace);
        let ask = |path: &str, size: usize| {
            let body = json!("x".repeat(size));
            let path = format!("{service}{path}");
            world.api().call(Method::POST, &path, Some(("text/plain", &body))).unwrap_err()
        };
        let ask = &ask;
        std::thread::scope(|scope| {
            for index in 0..12 {
                scope.spawn(move || {
                    for round in 0..25 {
                        let refusal = ask("/v1/rotate", 1000 << ((index + round) % 8));
                        // Garbage within the limit of the rate, and what is beyond it.
                        assert!(matches!(refusal.code, 500 | 429), "{refusal:?}");
                    }
                });
            }
        });
        let refusal = ask("/v1/verify", 3 << 20);
        assert_eq!(refusal.code, 413, "{refusal:?}");
    });
}

/// Whoever opens connections and keeps them must neither use up the files nor lock others out.
#[test]
fn thousands_of_idle_connections_lock_nobody_out() {
    end_to_end(|world| {
        let controller = world.controller().open_files(512).start();
        let mut idle: Vec<TcpStream> = Vec::new();
        for index in 0..3000 {
            // The oldest may have been closed meanwhile; new ones are accepted all the same.
            let mut connection = TcpStream::connect(controller.address()).unwrap();
            if index % 2 == 0 {
                // Half a request.
                let _ = connection.write_all(b"GET /healthz HTTP/1.1\r\n");
            }
            idle.push(connection);
            if index % 300 == 0 {
                answers(&controller);
            }
        }
        answers(&controller);
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        world.wait_for_items("db", &[("foo", &value)]);
        assert!(!controller.stderr().contains("not accepted"), "{}", controller.stderr());
        drop(idle);
        answers(&controller);
    });
}

fn answers(controller: &Controller) {
    eventually("others are answered", || {
        let reply = controller.request(Method::GET, "/healthz", &[], "")?;
        (reply.status == 200).then_some(())
    });
    controller.certificate();
}

fn generous(world: &World) -> std::sync::Arc<Controller> {
    world.controller().arg("--rate-limit=1000").arg("--rate-limit-burst=1000").start()
}

fn resident(controller: &Controller) -> f64 {
    controller.metrics().value("process_resident_memory_bytes", &[]).unwrap()
}

/// Sends a large body and gives the status of the answer, if it could be read.
fn send_large(controller: &Controller, path: &str, is_chunked: bool) -> Option<u16> {
    let mut connection = TcpStream::connect(controller.address()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    connection.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = match is_chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {LARGE}"),
    };
    write!(connection, "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}\r\n\r\n").unwrap();
    let piece = vec![b'#'; 1 << 20];
    for _ in 0..LARGE / piece.len() {
        let sent = match is_chunked {
            true => write!(connection, "{:x}\r\n", piece.len())
                .and_then(|()| connection.write_all(&piece))
                .and_then(|()| connection.write_all(b"\r\n")),
            false => connection.write_all(&piece),
        };
        if sent.is_err() {
            break;
        }
    }
    if is_chunked {
        let _ = connection.write_all(b"0\r\n\r\n");
    }
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).ok()?;
    std::str::from_utf8(&answer[9..]).ok()?.parse().ok()
}

/// Sends a byte; `false` once the other side has closed.
fn dribble(connection: &mut TcpStream, byte: &[u8]) -> bool {
    connection.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    if connection.write_all(byte).is_err() {
        return false;
    }
    match connection.read(&mut [0; 512]) {
        Ok(0) => false,
        // An answer, and then the end.
        Ok(_) => true,
        Err(error) => matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}
