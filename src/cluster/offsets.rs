//! Where logs begin and end.

use indexmap::IndexMap;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};
use tokio::time::Instant;

use crate::cluster::connection::Dial;
use crate::cluster::rounds::{Index, Known, Question, Step, Steps};
use crate::cluster::topics::topic_name;
use crate::cluster::{Cluster, ClusterError, Place};
use crate::id::Offset;
use crate::kafka::ErrorCode;

/// Which offset of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The first that is still there.
    Start,
    /// The high watermark: one more than the last that a consumer may see.
    HighWatermark,
    /// The last stable offset: one more than the last that a consumer of committed records may see.
    LastStable,
}

impl Bound {
    /// The timestamp that stands for it, and the isolation level.
    fn on_the_wire(self) -> (i64, i8) {
        match self {
            Self::Start => (-2, 0),
            Self::HighWatermark => (-1, 0),
            Self::LastStable => (-1, 1),
        }
    }
}

impl<D: Dial> Cluster<D> {
    /// Asks for an offset of each of these logs, in their order: the offset, or the code of a partition that is not led
    /// or refused for good.
    pub async fn offsets(
        &mut self,
        bound: Bound,
        places: &[Place],
        deadline: Instant,
    ) -> Result<Vec<Result<Offset, ErrorCode>>, ClusterError> {
        let places: Vec<_> = places.iter().collect();
        let mut question = Offsets { bound, places: &places, index: Index::new(places.iter().copied()) };
        self.ask_leaders(&places, &mut question, deadline).await
    }
}

struct Offsets<'a> {
    bound: Bound,
    places: &'a [&'a Place],
    index: Index<'a>,
}

impl Question for Offsets<'_> {
    type Request = ListOffsetsRequest;
    type Done = Offset;

    fn request(&mut self, version: i16, of: &[usize], _: &Known) -> ListOffsetsRequest {
        let (timestamp, isolation) = self.bound.on_the_wire();
        let mut topics: IndexMap<&str, Vec<_>> = IndexMap::new();
        for place in of.iter().map(|n| self.places[*n]) {
            let partition = ListOffsetsPartition::default()
                .with_partition_index(place.partition.0)
                .with_current_leader_epoch(-1)
                .with_timestamp(timestamp);
            topics.entry(&place.topic).or_default().push(partition);
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions)
        });
        ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            // Version 1 knows nothing of transactions.
            .with_isolation_level(if version >= 2 { isolation } else { 0 })
            .with_topics(topics.collect())
    }

    fn answer(
        &mut self,
        _: i16,
        answer: ListOffsetsResponse,
        _: &Known,
    ) -> Result<Steps<Offset>, ClusterError> {
        let mut steps = Vec::new();
        for topic in &answer.topics {
            for row in &topic.partitions {
                let Some(n) = self.index.get(&topic.name.0, row.partition_index) else { continue };
                steps.push((
                    n,
                    match ErrorCode(row.error_code) {
                        ErrorCode::NONE => Step::Done(Offset(row.offset)),
                        code => Step::Refused(code),
                    },
                ));
            }
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::scripted::{Fake, address, place, soon};
    use crate::kafka::batch::{Batch, BatchBuilder};

    fn batch(base: i64) -> Batch {
        BatchBuilder::new().base_offset(base).value(b"a").value(b"b").build().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn each_log_has_its_bounds() {
        for versions in [(1, 10), (1, 1)] {
            let logs = vec![(1, vec![batch(5), batch(7)]), (2, vec![])];
            let mut fake = Fake::new(2).topic("t", logs);
            fake.versions.insert(2, versions);
            let (dial, _fake) = fake.start();
            let mut cluster = Cluster::connect(dial, &[address(1)], soon()).await.unwrap();
            let places = [place("t", 1), place("t", 0)];
            let at = |offsets: [i64; 2]| offsets.map(|offset| Ok(Offset(offset)));
            let start = cluster.offsets(Bound::Start, &places, soon()).await.unwrap();
            assert_eq!(start, at([0, 5]));
            let end = cluster.offsets(Bound::HighWatermark, &places, soon()).await.unwrap();
            assert_eq!(end, at([0, 9]));
            let stable = cluster.offsets(Bound::LastStable, &places, soon()).await.unwrap();
            assert_eq!(stable, at(if versions.1 == 1 { [0, 9] } else { [-1, 8] }));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_has_its_code_when_time_runs_out() {
        let (dial, _fake) = Fake::new(1).topic("t", vec![(1, vec![]), (-1, vec![])]).start();
        let mut cluster = Cluster::connect(dial, &[address(1)], soon()).await.unwrap();
        let places = [place("t", 0), place("t", 1), place("t", 2), place("u", 0)];
        let offsets = cluster.offsets(Bound::HighWatermark, &places, soon()).await.unwrap();
        assert_eq!(offsets, [Ok(Offset(0)), Err(ErrorCode(5)), Err(ErrorCode(3)), Err(ErrorCode(3))]);
    }
}
