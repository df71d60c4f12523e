//! A proxy on this machine, for HTTP tunnels or SOCKS 5. Whatever it is asked for, it leads to one server.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub(crate) struct Proxy {
    /// Host and port.
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that opens tunnels to the server behind this URL.
    pub(crate) fn http(server: &str) -> Proxy {
        Proxy::listen(server, http_tunnel)
    }

    /// A SOCKS 5 proxy in front of the server behind this URL. Wants a user if it is offered one.
    pub(crate) fn socks(server: &str) -> Proxy {
        Proxy::listen(server, socks)
    }

    /// What was asked for: `host:port`, and in front of it the user if one was presented.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn listen(server: &str, negotiate: fn(&mut TcpStream) -> io::Result<String>) -> Proxy {
        let target = server.split_once("//").unwrap().1.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let proxy = Proxy { address, seen: Arc::clone(&seen) };
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let (target, seen) = (target.clone(), Arc::clone(&seen));
                thread::spawn(move || {
                    let Ok(asked) = negotiate(&mut client) else { return };
                    seen.lock().unwrap().push(asked);
                    relay(client, TcpStream::connect(target).unwrap());
                });
            }
        });
        proxy
    }
}

fn http_tunnel(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(bytes::<1>(client)?[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or("no tunnel");
    let user = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| format!("{value} "))
    });
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    Ok(user.unwrap_or_default() + target)
}

/// RFC 1928 and RFC 1929.
fn socks(client: &mut TcpStream) -> io::Result<String> {
    let [_, count] = bytes(client)?;
    let methods = text(client, count)?;
    let mut user = String::new();
    if methods.contains('\u{2}') {
        client.write_all(&[5, 2])?;
        let [_, length] = bytes(client)?;
        let name = text(client, length)?;
        let [length] = bytes(client)?;
        user = format!("{name}:{} ", text(client, length)?);
        client.write_all(&[1, 0])?;
    } else {
        client.write_all(&[5, 0])?;
    }
    let [_, _, _, kind] = bytes(client)?;
    let host = match kind {
        3 => {
            let [length] = bytes(client)?;
            text(client, length)?
        }
        _ => bytes::<4>(client)?.map(|byte| byte.to_string()).join("."),
    };
    let port = u16::from_be_bytes(bytes(client)?);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok(format!("{user}{host}:{port}"))
}

fn bytes<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(client: &mut TcpStream, length: u8) -> io::Result<String> {
    let mut bytes = vec![0; length.into()];
    client.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Hands bytes on in both directions until both ends are done.
fn relay(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upward = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    let _ = upward.join();
}
