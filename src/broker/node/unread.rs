//! Answers that clients have not read yet: those who ask for much and read nothing must not take all memory.

use std::sync::atomic::{AtomicUsize, Ordering};

/// While more bytes than these wait to be read, an answer to Fetch holds one batch, which gets every reader ahead. Apache
/// Kafka needs no such limit: it sends what lies on its disk.
const MOST: usize = 64 << 20;

/// The answers of all connections.
#[derive(Debug, Default)]
pub(in crate::broker) struct Unread(AtomicUsize);

impl Unread {
    /// Counts an answer of so many bytes until the guard is dropped.
    pub(in crate::broker) fn hold(&self, bytes: usize) -> Held<'_> {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Held { of: self, bytes }
    }

    /// How many bytes of records another answer may hold.
    pub(in crate::broker) fn room(&self) -> i32 {
        if self.0.load(Ordering::Relaxed) > MOST { 0 } else { i32::MAX }
    }
}

/// An answer that is being written.
#[derive(Debug)]
pub(in crate::broker) struct Held<'a> {
    of: &'a Unread,
    bytes: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_again_when_an_answer_has_been_read() {
        let unread = Unread::default();
        let first = unread.hold(MOST);
        assert_eq!(unread.room(), i32::MAX);
        let second = unread.hold(1);
        assert_eq!(unread.room(), 0);
        drop(first);
        assert_eq!(unread.room(), i32::MAX);
        drop(second);
    }
}
