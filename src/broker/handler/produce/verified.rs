//! The transactions of a Produce request, as far as their coordinator knows them
//! (`ReplicaManager.handleProduceAppend`, `maybeSendPartitionsToTransactionCoordinator`; KIP-890).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::broker::handler::produce::records::Records;
use crate::broker::handler::produce::response::Key;
use crate::broker::handler::verification::Way;
use crate::broker::node::Node;
use crate::broker::partition::Rejection;
use crate::broker::partition::producers::{Attempt, Guard, Refusal};
use crate::broker::topic::Topic;
use crate::broker::transaction::{Place, Producer};
use crate::kafka::ErrorCode;

/// `add.partitions.to.txn.retry.backoff.ms`.
const BACKOFF: Duration = Duration::from_millis(20);
/// `add.partitions.to.txn.retry.backoff.max.ms`.
const PATIENCE: Duration = Duration::from_millis(100);

/// A partition of the request with its records, and its topic.
type Sound<'a> = ((&'a Key, &'a Records), &'a Arc<Topic>);
/// The first batch of a partition, if it belongs to a transaction.
type Begun<'a> = (&'a Key, &'a Arc<Topic>, Attempt);

/// What became of the partitions that had to be verified.
#[derive(Debug, Default)]
pub(super) struct Verified(HashMap<Key, Result<Guard, ErrorCode>>, Option<Way>);

impl Verified {
    /// Asks the coordinator for what is no part of an open transaction yet. Two producers in one request are an error of
    /// the whole.
    pub(super) async fn of<'a>(
        node: &Node,
        version: i16,
        id: Option<&str>,
        sound: impl Iterator<Item = Sound<'a>>,
    ) -> Result<Self, Rejection> {
        let begun = |((key, records), topic)| Some((key, topic, Records::transaction(records)?));
        let begun: Vec<Begun<'_>> = sound.filter_map(begun).collect();
        let (Some((_, _, first)), Some(id)) = (begun.first(), id) else { return Ok(Self::default()) };
        let producer = Producer { id: first.producer_id, epoch: first.epoch };
        if begun.iter().any(|(_, _, batch)| (batch.producer_id, batch.epoch) != (producer.id, producer.epoch))
        {
            let message = "Transactional records contained more than one producer ID".to_owned();
            let code = ErrorCode::INVALID_PRODUCER_ID_MAPPING;
            return Err(Rejection { message: Some(message), ..Rejection::of(code) });
        }
        let way = Way::of_produce(version);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let verified = ask(node, way, (id, producer), &begun);
            let busy = verified.values().any(|it| *it == Err(ErrorCode::CONCURRENT_TRANSACTIONS));
            if !busy || way != Way::Adding || Instant::now() >= deadline {
                return Ok(Self(verified, Some(way)));
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// The guard of a partition; none if it needs none.
    pub(super) fn take(&mut self, key: &Key) -> Result<Option<Guard>, Rejection> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Ok(guard)) => Ok(Some(guard)),
            Some(Err(code)) => Err(rejection(code, self.1)),
        }
    }
}

fn ask(
    node: &Node,
    way: Way,
    of: (&str, Producer),
    begun: &[Begun<'_>],
) -> HashMap<Key, Result<Guard, ErrorCode>> {
    let mut verified = HashMap::new();
    let mut places = vec![];
    for (key, topic, batch) in begun {
        match start(node, topic, (key.2, *batch), way) {
            Ok(None) => {}
            Ok(Some(guard)) => {
                places.push(Place::new(&topic.name, key.2));
                verified.insert((*key).clone(), Ok(guard));
            }
            Err(code) => drop(verified.insert((*key).clone(), Err(code))),
        }
    }
    if places.is_empty() {
        return verified;
    }
    let codes = way.ask(node, of, &places, node.cluster.now());
    for (key, topic, _) in begun {
        let code = match &codes {
            Ok(codes) => {
                let at =
                    places.iter().position(|place| place.topic == topic.name && place.partition == key.2);
                at.and_then(|at| codes.get(at).copied()).unwrap_or(ErrorCode::NONE)
            }
            Err(code) => *code,
        };
        if code != ErrorCode::NONE {
            verified.entry((*key).clone()).and_modify(|it| *it = it.and(Err(code)));
        }
    }
    verified
}

fn start(
    node: &Node,
    topic: &Topic,
    (index, batch): (i32, Attempt),
    way: Way,
) -> Result<Option<Guard>, ErrorCode> {
    let mut partition = topic.partition(index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    partition.check_leader(node.id, -1)?;
    partition.start_verification(batch, way == Way::Adding, node.cluster.now()).map_err(Refusal::code)
}

/// Old clients retry what they know: that there are not enough replicas.
fn rejection(code: ErrorCode, way: Option<Way>) -> Rejection {
    let unable = match code {
        ErrorCode::NETWORK_EXCEPTION
        | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
        | ErrorCode::COORDINATOR_NOT_AVAILABLE
        | ErrorCode::NOT_COORDINATOR => true,
        ErrorCode::CONCURRENT_TRANSACTIONS => way != Some(Way::Adding),
        _ => false,
    };
    if unable {
        let message = format!(
            "Unable to verify the partition has been added to the transaction. Underlying error: {code}"
        );
        return Rejection { message: Some(message), ..Rejection::of(ErrorCode::NOT_ENOUGH_REPLICAS) };
    }
    let message =
        (code == ErrorCode::INVALID_TXN_STATE).then_some("Partition was not added to the transaction");
    Rejection { message: message.map(str::to_owned), ..Rejection::of(code) }
}
