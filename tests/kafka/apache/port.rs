//! Free ports.

use std::net::{Ipv4Addr, TcpListener};

/// A port that nobody listens on. It is below the range from which the kernel takes ports for outgoing connections:
/// there a client that polls a port until somebody listens can connect to itself.
pub(crate) fn free() -> u16 {
    let start = std::process::id() as u16 % 8_000;
    (0..8_000)
        .map(|i| 20_000 + (start + i * 7) % 8_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok_and(|_| !taken(*port)))
        .expect("a free port")
}

/// Whether the port was given out before in this process.
fn taken(port: u16) -> bool {
    use std::sync::Mutex;
    static TAKEN: Mutex<Vec<u16>> = Mutex::new(vec![]);
    let mut given = TAKEN.lock().expect("nobody panics with it");
    let known = given.contains(&port);
    if !known {
        given.push(port);
    }
    known
}
