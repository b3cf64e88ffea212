//! One connection between a client and a broker: three parts that run beside each other.
//!
//! Requests are taken in as they come, and decided at once; they are forwarded in their order, one after the other, so
//! that what is kept keeps those behind it; answers are given back in the order of the requests.

mod forward;
mod give;
mod intake;
mod line;
mod queue;
mod refuse;

#[cfg(test)]
mod tests;

use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::fault::Action;
use crate::id::BrokerId;
use crate::kafka::frame::{FrameReader, MAX_REQUEST_BYTES};
use crate::trace::Answer;

use super::ports::Told;
use super::state::{Ends, Fate, Shared, Ties, Way};
use forward::Forward;
use give::Give;
use intake::Intake;
use line::{Line, swallow};

/// Serves a client's connection to a broker until both sides are closed.
pub(super) async fn serve(mut stream: TcpStream, broker: BrokerId, told: &Told<'_>, shared: &Shared) {
    let (ends, ties, decision) = shared.open(told.producer, broker);
    let reason = if let Some(verdict) = decision.verdict.as_ref().filter(|one| one.action.is_of_connect()) {
        if let Some(held) = decision.held {
            tokio::select! {
                () = held.released() => {}
                () = ties.cut.cancelled() => {}
            }
        }
        shared.done(Some(verdict));
        match verdict.action {
            Action::Silent => swallow(&mut stream, &ties.cut).await,
            // A reset is as near to a refusal as one can come whose system has accepted already.
            Action::Refuse => drop(stream.set_zero_linger()),
            _ => {}
        }
        Answer::Closed
    } else if shared.pass(Way::ToBroker, broker).await == Fate::Lost {
        Answer::Closed
    } else {
        match told.ports.upstream.connect(broker).await {
            Ok(upstream) => {
                shared.is_whole(ends);
                proxy(stream, upstream, (ends, &ties), told, shared).await
            }
            Err(_) => Answer::Closed,
        }
    };
    shared.close(ends, reason);
}

/// Passes on what both sides send, and does what is decided. When it returns both sides have been closed, and whatever
/// reached the broker's side has been read there to its end.
async fn proxy<C, B>(
    client: C,
    broker: B,
    (ends, ties): (Ends, &Ties),
    told: &Told<'_>,
    shared: &Shared,
) -> Answer
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (full, reading) = (CancellationToken::new(), CancellationToken::new());
    let Ties { cut, gone, hung_up } = ties;
    let line = Line { ends, shared, told, cut, hung_up, full: &full, gone, reading: &reading };
    let (from_client, to_client) = split(client);
    let (from_broker, to_broker) = split(broker);
    let (taken, kept) = mpsc::unbounded_channel();
    let (forwarded, due) = mpsc::unbounded_channel();
    let intake = Intake::new(line, FrameReader::new(from_client, MAX_REQUEST_BYTES), taken);
    let forward = Forward::new(line, to_broker, forwarded);
    let give = Give::new(line, FrameReader::new(from_broker, MAX_REQUEST_BYTES), to_client);
    let ((), (), reason) = tokio::join!(intake.run(), forward.run(kept), give.run(due));
    reason
}
