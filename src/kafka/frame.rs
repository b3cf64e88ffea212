//! Frames: four bytes of length, then a message. They are read with a limit, and no memory is taken on the word of a
//! length alone.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// `socket.request.max.bytes` of Apache Kafka, which is also the largest frame that it accepts.
pub const MAX_REQUEST_BYTES: usize = 104_857_600;

/// Room for reading when nothing is known of the next frame. Frames that are read together share it.
const CHUNK: usize = 16 * 1024;
/// The most that is reserved ahead of what has really come.
const STEP: usize = 1024 * 1024;

/// Why no further frame can be read.
#[derive(Debug, Error)]
pub enum FrameError {
    /// A negative length, or one above the limit.
    #[error("a frame of {claimed} bytes, where at most {limit} are taken")]
    Size {
        /// What the prefix says.
        claimed: i32,
        /// What the reader takes.
        limit: usize,
    },
    /// The other side closed in the middle of a frame.
    #[error("the connection ended {missing} bytes before the end of a frame")]
    Truncated {
        /// How many bytes of it, or of its prefix, did not come.
        missing: usize,
    },
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads frames from a stream, one at a time.
///
/// More may be read than the frame that is returned; it waits in the buffer. A call of [`FrameReader::read`] that is
/// dropped loses nothing.
#[derive(Debug)]
pub struct FrameReader<S> {
    stream: S,
    buffer: BytesMut,
    limit: usize,
}

impl<S: AsyncRead + Unpin> FrameReader<S> {
    /// A reader that refuses frames of more than `limit` bytes, prefix not counted.
    pub fn new(stream: S, limit: usize) -> Self {
        Self { stream, buffer: BytesMut::new(), limit }
    }

    /// The stream, for writing answers to it.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The next frame without its prefix; none when the stream has ended between two frames.
    ///
    /// The bytes are not copied: record batches can be sliced out of the frame and kept.
    pub async fn read(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            let missing = match self.missing()? {
                0 => return Ok(Some(self.split())),
                missing => missing,
            };
            self.reserve(missing);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(FrameError::Truncated { missing })
                };
            }
        }
    }

    /// How many bytes must come before there is a frame, or a prefix, to look at.
    fn missing(&self) -> Result<usize, FrameError> {
        let Some(prefix) = self.buffer.first_chunk() else {
            return Ok(4 - self.buffer.len());
        };
        let claimed = i32::from_be_bytes(*prefix);
        match usize::try_from(claimed) {
            Ok(size) if size <= self.limit => Ok((4 + size).saturating_sub(self.buffer.len())),
            _ => Err(FrameError::Size { claimed, limit: self.limit }),
        }
    }

    fn split(&mut self) -> Bytes {
        let size = self.buffer.get_i32().try_into().unwrap_or(0);
        self.buffer.split_to(size).freeze()
    }

    fn reserve(&mut self, missing: usize) {
        let free = self.buffer.capacity() - self.buffer.len();
        if free < missing.min(CHUNK) || free == 0 {
            self.buffer.reserve(missing.clamp(CHUNK, STEP));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    fn framed(size: usize) -> Vec<u8> {
        let mut bytes = i32::try_from(size).unwrap().to_be_bytes().to_vec();
        bytes.extend((0..size).map(|i| u8::try_from(i % 251).unwrap()));
        bytes
    }

    #[tokio::test]
    async fn frames_come_whole_however_they_are_cut() {
        let all = [0, 1, 3, 4, 100, CHUNK - 4, CHUNK, CHUNK + 1, 3 * STEP, 5];
        for (pipe, sizes) in [(1, &all[..7]), (7, &all[..8]), (4096, &all), (8 * STEP, &all)] {
            let (mut near, far) = tokio::io::duplex(pipe);
            let mut reader = FrameReader::new(far, 4 * STEP);
            let write = async {
                for size in sizes {
                    near.write_all(&framed(*size)).await.unwrap();
                }
            };
            let read = async {
                for size in sizes {
                    assert_eq!(reader.read().await.unwrap().unwrap(), framed(*size)[4..]);
                }
            };
            tokio::join!(write, read);
        }
    }

    #[tokio::test]
    async fn a_length_above_the_limit_or_below_zero_takes_no_memory() {
        for claimed in [i32::MAX, i32::MIN, -1, 101] {
            let bytes = claimed.to_be_bytes();
            let mut reader = FrameReader::new(&bytes[..], 100);
            let error = reader.read().await.unwrap_err();
            assert!(matches!(error, FrameError::Size { limit: 100, .. }), "{error}");
            assert!(reader.buffer.capacity() <= 2 * CHUNK);
        }
        let mut reader = FrameReader::new(&[0, 0, 0, 100][..], 100);
        assert!(matches!(reader.read().await, Err(FrameError::Truncated { missing: 100 })));
    }

    #[tokio::test]
    async fn a_long_frame_takes_memory_only_as_it_comes() {
        let bytes = i32::try_from(MAX_REQUEST_BYTES).unwrap().to_be_bytes();
        let mut reader = FrameReader::new(&bytes[..], MAX_REQUEST_BYTES);
        assert!(matches!(reader.read().await, Err(FrameError::Truncated { missing: MAX_REQUEST_BYTES })));
        assert!(reader.buffer.capacity() <= 2 * STEP);
    }

    #[tokio::test]
    async fn the_end_is_clean_only_between_frames() {
        let whole = framed(2);
        let mut reader = FrameReader::new(&whole[..], 100);
        assert!(reader.read().await.unwrap().is_some());
        assert!(reader.read().await.unwrap().is_none());
        for end in 1..whole.len() {
            let mut reader = FrameReader::new(&whole[..end], 100);
            assert!(matches!(reader.read().await, Err(FrameError::Truncated { .. })), "cut at {end}");
        }
    }

    #[tokio::test]
    async fn a_dropped_read_loses_nothing() {
        let (mut near, far) = tokio::io::duplex(64);
        let mut reader = FrameReader::new(far, 100);
        near.write_all(&framed(20)[..10]).await.unwrap();
        tokio::select! {
            biased;
            _ = reader.read() => panic!("half a frame is no frame"),
            () = std::future::ready(()) => {}
        }
        near.write_all(&framed(20)[10..]).await.unwrap();
        assert_eq!(reader.read().await.unwrap().unwrap(), framed(20)[4..]);
    }
}
