//! Frames on a socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came instead of an answer, or the answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Frame(Vec<u8>),
    Closed,
    Nothing,
}

/// A connection to a broker.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// The correlation id of the next request.
    pub(crate) next: i32,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, next: 1 })
    }

    /// Writes a frame with its length. A peer that has gone shows when it is read from.
    pub(crate) fn write(&mut self, frame: &[u8]) {
        let size = u32::try_from(frame.len()).expect("a small frame");
        self.write_bytes(&[&size.to_be_bytes(), frame].concat());
    }

    /// Writes bytes as they are.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next frame.
    pub(crate) fn read(&mut self) -> Heard {
        let mut size = [0; 4];
        if let Err(error) = self.stream.read_exact(&mut size) {
            return match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Heard::Nothing,
                _ => Heard::Closed,
            };
        }
        let mut frame = vec![0; u32::from_be_bytes(size) as usize];
        match self.stream.read_exact(&mut frame) {
            Ok(()) => Heard::Frame(frame),
            Err(_) => Heard::Closed,
        }
    }
}
