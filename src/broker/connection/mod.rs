//! A connection of a client: one request at a time, in order.

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod transactions;
#[cfg(test)]
pub(super) mod wire;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::broker::handler::{self, Reply};
use crate::broker::node::Node;
use crate::broker::node::journal::{End, Entry};
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
    let journal = &node.cluster.journal;
    let from = (node.id, journal.connected());
    loop {
        let read = tokio::select! {
            biased;
            () = node.stopping.cancelled() => return,
            read = frames.read() => read,
        };
        let Ok(Some(frame)) = read else { return };
        let listened_to = journal.is_listened_to();
        let entry = listened_to.then(|| Entry::begin(&node.cluster.topics(), from, &frame));
        let reply = handler::answer(node, frame).await;
        if let Some(entry) = entry {
            journal.end(entry, noted(&reply)).await;
        }
        match reply {
            Reply::Send(answer) => {
                let _held = node.cluster.unread.hold(answer.len());
                tokio::select! {
                    biased;
                    written = frames.stream().write_all(&answer) => if written.is_err() { return },
                    // A client that does not read holds up nobody who stops a broker.
                    () = node.stopping.cancelled() => return,
                }
            }
            Reply::Nothing => {}
            Reply::Close => return,
            Reply::Never => return until_gone(frames.stream(), node).await,
        }
    }
}

/// Ignores a client until it closes.
async fn until_gone<S: AsyncRead + Unpin>(stream: &mut S, node: &Node) {
    let mut ignored = [0; 1024];
    loop {
        tokio::select! {
            biased;
            () = node.stopping.cancelled() => return,
            read = stream.read(&mut ignored) => if matches!(read, Ok(0) | Err(_)) { return },
        }
    }
}

/// What is noted of a reply.
fn noted(reply: &Reply) -> Result<&BytesMut, End> {
    match reply {
        Reply::Send(answer) => Ok(answer),
        Reply::Nothing | Reply::Never => Err(End::Unanswered),
        Reply::Close => Err(End::Closed),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest};

    use crate::broker::connection::wire::{Bench, batch, fetch, metadata, produce};

    #[tokio::test]
    async fn a_request_is_not_looked_at_before_the_one_ahead_has_its_answer() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        // On one connection the first would wait for ever for what the second brings.
        let first = client.send(12, &fetch("orders", 0).with_max_wait_ms(i32::MAX).with_min_bytes(1)).await;
        let second = client.send(9, &produce("orders", 1, batch(b"second"))).await;
        let other = bench.connect().produce(9, 1, batch(b"other")).await;
        assert_eq!(other.base_offset, 0, "the one that was sent earlier is still unread");
        assert!(client.receive::<FetchRequest>(12, first).await.is_some());
        let second = client.receive::<ProduceRequest>(9, second).await.unwrap();
        assert_eq!(second.responses[0].partition_responses[0].base_offset, 1);
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_not_and_nothing_behind_it_is_looked_at() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let mut request = produce("orders", 1, batch(b"value"));
        request.topic_data[0].partition_data[0].records = None;
        client.send(9, &request).await;
        client.send(9, &produce("orders", 1, batch(b"behind"))).await;
        assert_eq!(bench.connect().produce(9, 1, batch(b"other")).await.base_offset, 0);
        drop(client);
        bench.all_served().await;
        assert_eq!(bench.partition("orders", 0, |partition| partition.log.end()), 1);
    }

    #[tokio::test]
    async fn requests_sent_ahead_are_answered_in_order() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let mut sent = vec![];
        for _ in 0..100 {
            sent.push(client.send(9, &produce("orders", -1, batch(b"value"))).await);
        }
        for (offset, id) in (0..).zip(sent) {
            let answer = client.receive::<ProduceRequest>(9, id).await.unwrap();
            assert_eq!(answer.responses[0].partition_responses[0].base_offset, offset);
        }
    }

    #[tokio::test]
    async fn a_client_that_goes_away_does_not_cancel_what_it_sent() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for _ in 0..100 {
            client.send(9, &produce("orders", 0, batch(b"value"))).await;
        }
        drop(client);
        bench.all_served().await;
        assert_eq!(bench.partition("orders", 0, |partition| partition.log.end()), 100);
    }

    #[tokio::test]
    async fn what_is_no_request_closes_the_connection_without_a_word() {
        let mut bench = Bench::new("orders", &[]);
        let produce_v2 = [0, 0, 0, 2, 0, 0, 0, 1, 0xFF, 0xFF, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let metadata_v0_of_a_billion = [0, 3, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0x3F, 0xFF, 0xFF, 0xFF];
        for frame in [&b""[..], b"abc", &[0; 7], &[0x7F; 40], &produce_v2, &metadata_v0_of_a_billion] {
            assert!(bench.connect().raw(frame).await.is_none(), "{frame:?}");
        }
        let telemetry = [0, 71, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0];
        assert!(bench.connect().raw(&telemetry).await.is_none());
        bench.all_served().await;
    }

    #[tokio::test]
    async fn a_frame_that_is_too_large_closes_the_connection_before_it_is_read() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut bench = Bench::new("orders", &[]);
        for size in [104_857_601_i32, i32::MAX, -1, i32::MIN] {
            let mut client = bench.connect();
            client.stream().write_all(&size.to_be_bytes()).await.unwrap();
            assert_eq!(client.stream().read(&mut [0]).await.unwrap(), 0);
        }
        bench.all_served().await;
    }

    #[tokio::test]
    async fn what_a_client_sends_with_a_fault_is_lost_and_what_came_before_is_not() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let id = client.send(1, &metadata(&["orders"])).await;
        assert!(client.receive::<MetadataRequest>(1, id).await.is_some());
        client.send(9, &produce("orders", 0, batch(b"value"))).await;
        assert!(client.raw(b"nonsense").await.is_none());
        assert_eq!(bench.partition("orders", 0, |partition| partition.log.end()), 1);
    }
}
