//! A connection of a client: one request at a time, in order.

#[cfg(test)]
pub(super) mod wire;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::broker::handler::{self, Reply};
use crate::broker::node::Node;
use crate::kafka::frame::{FrameReader, MAX_REQUEST_BYTES};

/// Serves a client until it closes, breaks a rule that costs the connection, or no answer reaches it any more.
///
/// The next request is not looked at before the answer to this one is written, or is known to have none: requests
/// that a client sends ahead run strictly in order (`SocketServer.processCompletedReceives`). A client that goes away
/// does not cancel its request, and what it sent before is read to the end.
pub(super) async fn serve<S>(stream: S, node: &Node)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut frames = FrameReader::new(stream, MAX_REQUEST_BYTES);
    while let Ok(Some(frame)) = frames.read().await {
        match handler::answer(node, frame).await {
            Reply::Send(answer) => {
                if frames.stream().write_all(&answer).await.is_err() {
                    return;
                }
            }
            Reply::Nothing => {}
            Reply::Close => return,
        }
    }
}
