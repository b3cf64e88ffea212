//! What the parts of a connection share.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

use crate::link::ports::Told;
use crate::link::state::{Ends, Shared};

/// What the parts of a connection share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) ends: Ends,
    pub(super) shared: &'a Shared,
    pub(super) told: &'a Told<'a>,
    /// Both sides are to be closed at once.
    pub(super) cut: &'a CancellationToken,
    /// The client's side is to be closed; what has come from it is still on its way to the broker.
    pub(super) hung_up: &'a CancellationToken,
    /// No more requests are taken in.
    pub(super) full: &'a CancellationToken,
    /// The client has closed, or is known to be gone.
    pub(super) gone: &'a CancellationToken,
    /// Reading goes on, where a fault had stopped it.
    pub(super) reading: &'a CancellationToken,
}

/// Reads what a client sends, and does nothing with it, until it closes.
pub(super) async fn swallow<S: AsyncRead + Unpin>(stream: &mut S, cut: &CancellationToken) {
    let mut room = vec![0; 4096];
    loop {
        tokio::select! {
            read = stream.read(&mut room) => if !matches!(read, Ok(1..)) { return },
            () = cut.cancelled() => return,
        }
    }
}
