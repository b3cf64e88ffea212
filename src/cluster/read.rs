//! Reads logs back, record by record: at most one answer of each broker is in memory.

use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexMap;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};
use tokio::time::Instant;

use crate::cluster::connection::Dial;
use crate::cluster::rounds::{Index, Known, Question, Step, Steps};
use crate::cluster::topics::topic_name;
use crate::cluster::{Cluster, ClusterError, LogFailure, Place};
use crate::id::Offset;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, Record, entries, last_sequence};

/// What we ask of a broker at a time, in bytes. It answers with one whole batch even if that is longer. Four times as
/// much takes a tenth more of the processors' time, for copies that leave their caches.
const FETCH_BYTES: i32 = 1 << 20;
/// How long a broker that had nothing to say may wait for something the next time, in milliseconds.
const PATIENCE_MS: i32 = 50;
/// The most bytes that one compressed batch may grow to.
const LONGEST_PAYLOAD: usize = 256 << 20;
/// The first version of Fetch that names topics by their ids.
const FETCH_BY_ID: i16 = 13;

/// A record as it stands in a log.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// Its place.
    pub offset: Offset,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Key, value and headers.
    pub record: Record<'a>,
    /// The batch that it came in: who wrote it, in a transaction or not, and whether it is a marker.
    pub batch: &'a Batch,
}

impl Logged<'_> {
    /// Its sequence; −1 if no idempotent producer wrote it, and for markers.
    pub fn sequence(&self) -> i32 {
        last_sequence(self.batch.base_sequence(), self.record.offset_delta)
    }
}

/// How far a log goes: what its leader said when reading began. Everything below the high watermark has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The first offset that is still there; −1 if the leader is too old to say.
    pub start: Offset,
    /// One more than the last offset that a consumer may see.
    pub high_watermark: Offset,
    /// One more than the last offset that a consumer of committed records may see.
    pub last_stable: Offset,
}

impl<D: Dial> Cluster<D> {
    /// Reads each of these logs, each named once, from an offset to its high watermark, aborted records and markers included, and hands
    /// every record to `visit`, with the place of its log in `from`. Records of one log come in the order of offsets;
    /// those of different logs come interleaved. Then says for each how far it went, or the code of a partition that is
    /// not led or refused for good, such as `OFFSET_OUT_OF_RANGE`.
    pub async fn read(
        &mut self,
        from: &[(Place, Offset)],
        visit: impl FnMut(usize, &Logged<'_>),
        deadline: Instant,
    ) -> Result<Vec<Result<LogEnd, ErrorCode>>, ClusterError> {
        let places: Vec<_> = from.iter().map(|(place, _)| place).collect();
        let logs = from.iter().map(|(place, offset)| Log { place, next: offset.0, end: None }).collect();
        let index = Index::new(places.iter().copied());
        let mut question = Reading { logs, index, wait_ms: 0, visit };
        self.ask_leaders(&places, &mut question, deadline).await
    }
}

/// One log that is being read.
struct Log<'a> {
    place: &'a Place,
    next: i64,
    end: Option<LogEnd>,
}

struct Reading<'a, V> {
    logs: Vec<Log<'a>>,
    index: Index<'a>,
    wait_ms: i32,
    visit: V,
}

impl<V: FnMut(usize, &Logged<'_>)> Question for Reading<'_, V> {
    type Request = FetchRequest;
    type Done = LogEnd;

    fn version(&self, highest: i16, known: &Known) -> i16 {
        let has_id = |log: &Log<'_>| known.get(&log.place.topic).is_some_and(|topic| !topic.id.is_nil());
        if self.logs.iter().all(has_id) { highest } else { highest.min(FETCH_BY_ID - 1) }
    }

    fn request(&mut self, version: i16, of: &[usize], known: &Known) -> FetchRequest {
        let mut topics: IndexMap<&Arc<str>, Vec<_>> = IndexMap::new();
        for log in of.iter().map(|n| &self.logs[*n]) {
            let partition = FetchPartition::default()
                .with_partition(log.place.partition.0)
                .with_fetch_offset(log.next)
                .with_partition_max_bytes(FETCH_BYTES);
            topics.entry(&log.place.topic).or_default().push(partition);
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            let topic = FetchTopic::default().with_partitions(partitions);
            match known.get(name) {
                Some(known) if version >= FETCH_BY_ID => topic.with_topic_id(known.id),
                _ => topic.with_topic(topic_name(name)),
            }
        });
        FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(self.wait_ms)
            .with_min_bytes(i32::from(self.wait_ms > 0))
            .with_max_bytes(FETCH_BYTES)
            .with_session_epoch(-1)
            .with_topics(topics.collect())
    }

    fn answer(
        &mut self,
        version: i16,
        answer: FetchResponse,
        known: &Known,
    ) -> Result<Steps<LogEnd>, ClusterError> {
        let mut steps = Vec::new();
        for topic in answer.responses {
            let Some(name) = name_of(&topic, version, known) else { continue };
            for row in topic.partitions {
                let Some(n) = self.index.get(&name, row.partition_index) else { continue };
                steps.extend(self.row(n, row)?.map(|step| (n, step)));
            }
        }
        self.wait_ms = if steps.is_empty() { PATIENCE_MS } else { 0 };
        Ok(steps)
    }
}

/// The name of a topic in an answer; newer answers have its id instead.
fn name_of(topic: &FetchableTopicResponse, version: i16, known: &Known) -> Option<Arc<str>> {
    let named = if version >= FETCH_BY_ID {
        known.iter().find(|(_, known)| known.id == topic.topic_id)
    } else {
        known.get_key_value(&*topic.topic.0)
    };
    named.map(|(name, _)| name.clone())
}

impl<V: FnMut(usize, &Logged<'_>)> Reading<'_, V> {
    /// Takes in what an answer says of one log; none if that is nothing.
    fn row(&mut self, n: usize, row: PartitionData) -> Result<Option<Step<LogEnd>>, ClusterError> {
        let code = ErrorCode(row.error_code);
        if code != ErrorCode::NONE {
            return Ok(Some(Step::Refused(code)));
        }
        let log = &mut self.logs[n];
        let said = LogEnd {
            start: Offset(row.log_start_offset),
            high_watermark: Offset(row.high_watermark),
            last_stable: Offset(row.last_stable_offset),
        };
        let end = *log.end.get_or_insert(said);
        let before = log.next;
        let visit = |logged: &Logged<'_>| (self.visit)(n, logged);
        log.take(row.records.unwrap_or_default(), end.high_watermark, visit).map_err(|source| {
            ClusterError::Log { place: log.place.clone(), offset: Offset(log.next), source }
        })?;
        Ok(match log.next {
            next if next >= end.high_watermark.0 => Some(Step::Done(end)),
            next if next > before => Some(Step::More),
            _ => None,
        })
    }
}

impl Log<'_> {
    /// Hands on the records from `next` to `end`, and moves `next` behind them.
    fn take(
        &mut self,
        records: Bytes,
        end: Offset,
        mut visit: impl FnMut(&Logged<'_>),
    ) -> Result<(), LogFailure> {
        for entry in entries(records) {
            let entry = entry.map_err(|error| LogFailure::NoBatch(error.to_string()))?;
            let batch = Batch::try_from(entry).map_err(|error| LogFailure::NoBatch(error.to_string()))?;
            batch.check_crc()?;
            let payload = batch.payload(LONGEST_PAYLOAD)?;
            for record in batch.records(&payload) {
                let record = record?;
                let offset = Offset(record.offset(&batch));
                if offset.0 >= self.next && offset < end {
                    let timestamp = record.timestamp(&batch);
                    visit(&Logged { offset, timestamp, record, batch: &batch });
                }
            }
            self.next = self.next.max(batch.last_offset().saturating_add(1));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kafka_protocol::messages::ApiKey;
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::scripted::{Fake, Reply, Scripted, address, place, soon};
    use crate::cluster::{Address, CallFailure};
    use crate::kafka::batch::{BatchBuilder, Compression, Marker, NewRecord, field};
    use crate::kafka::{Incoming, Request};

    /// A batch of `count` records from that offset on; each says its offset.
    fn batch(base: i64, count: i64) -> Batch {
        let values = (base..base + count).map(|offset| offset.to_string());
        let builder = BatchBuilder::new().base_offset(base);
        values.fold(builder, |builder, value| builder.value(value.as_bytes())).build().unwrap()
    }

    async fn connect(dial: Scripted) -> Cluster<Scripted> {
        Cluster::connect(dial, &[address(1)], soon()).await.unwrap()
    }

    /// Reads one topic's partitions from these offsets, and checks that each record says its own offset.
    async fn offsets_read(
        cluster: &mut Cluster<Scripted>,
        from: &[i64],
    ) -> (Vec<Vec<i64>>, Vec<Result<LogEnd, ErrorCode>>) {
        let mut read = vec![Vec::new(); from.len()];
        let from: Vec<_> = (0..).zip(from).map(|(n, offset)| (place("t", n), Offset(*offset))).collect();
        let visit = |n: usize, logged: &Logged<'_>| {
            assert_eq!(logged.record.value, Some(logged.offset.to_string().as_bytes()));
            read[n].push(logged.offset.0);
        };
        let ends = cluster.read(&from, visit, soon()).await.unwrap();
        (read, ends)
    }

    #[tokio::test(start_paused = true)]
    async fn ten_records_cost_two_round_trips_and_the_next_read_one() {
        let (dial, fake) = Fake::new(1).topic("t", vec![(1, vec![batch(0, 4), batch(4, 6)])]).start();
        let mut cluster = connect(dial).await;
        let (read, ends) = offsets_read(&mut cluster, &[0]).await;
        assert_eq!(read, [(0..10).collect::<Vec<_>>()]);
        let end = LogEnd { start: Offset(-1), high_watermark: Offset(10), last_stable: Offset(10) };
        assert_eq!(ends, [Ok(end)]);
        assert_eq!(fake.lock().unwrap().seen, [(1, ApiKey::Metadata, 13), (1, ApiKey::Fetch, 18)]);
        assert_eq!(offsets_read(&mut cluster, &[10]).await.0, [[0_i64; 0]]);
        assert_eq!(fake.lock().unwrap().seen.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_comes_with_all_that_stands_in_the_log() {
        let headers = [("h", None), ("h", Some(&b"2"[..]))];
        let record = NewRecord { timestamp: 70, key: Some(b"k"), value: None, headers: &headers };
        let written = BatchBuilder::new().base_offset(5).producer(9, 1, i32::MAX).transactional();
        let written = written.compression(Compression::Zstd).value(b"first").record(record).build().unwrap();
        let marker = BatchBuilder::marker(Marker::Commit, (9, 1), 0, 80).base_offset(7).build().unwrap();
        let (dial, _fake) = Fake::new(1).topic("t", vec![(1, vec![written, marker])]).start();
        let mut seen = 0;
        let visit = |n: usize, logged: &Logged<'_>| {
            seen += 1;
            match logged.offset.0 {
                5 => assert_eq!((logged.timestamp, logged.sequence()), (0, i32::MAX)),
                6 => {
                    assert_eq!((n, logged.timestamp, logged.sequence()), (0, 70, 0));
                    assert_eq!((logged.record.key, logged.record.value), (Some(&b"k"[..]), None));
                    let headers: Vec<_> = logged.record.headers.iter().map(|h| (h.key, h.value)).collect();
                    assert_eq!(headers, [(&b"h"[..], None), (b"h", Some(&b"2"[..]))]);
                    assert_eq!((logged.batch.producer_id(), logged.batch.producer_epoch()), (9, 1));
                    assert!(logged.batch.is_transactional() && !logged.batch.is_control());
                }
                _ => {
                    assert!(logged.batch.is_control());
                    assert_eq!((Marker::of(&logged.record), logged.sequence()), (Some(Marker::Commit), -1));
                }
            }
        };
        let mut cluster = connect(dial).await;
        cluster.read(&[(place("t", 0), Offset(0))], visit, soon()).await.unwrap();
        assert_eq!(seen, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn reading_begins_inside_a_batch_and_ends_where_the_log_ended_then() {
        let (dial, fake) = Fake::new(1).topic("t", vec![(1, vec![batch(0, 10)])]).start();
        let mut first = true;
        let grow = fake.clone();
        let mut cluster = connect(dial).await;
        let mut read = Vec::new();
        let visit = |_: usize, logged: &Logged<'_>| {
            read.push(logged.offset.0);
            if std::mem::take(&mut first) {
                let mut fake = grow.lock().unwrap();
                fake.topics.get_mut("t").unwrap().1[0].batches.push(batch(10, 5));
            }
        };
        cluster.read(&[(place("t", 0), Offset(7))], visit, soon()).await.unwrap();
        assert_eq!(read, [7, 8, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_partitions_of_several_brokers_all_get_their_turn() {
        let big = |base| {
            let value = vec![b'x'; 3 << 20];
            BatchBuilder::new().base_offset(base).value(&value).build().unwrap()
        };
        let logs = (0..9).map(|n| (n % 3 + 1, (0..4).map(big).collect())).collect();
        let (dial, _fake) = Fake::new(3).topic("t", logs).start();
        let mut cluster = connect(dial).await;
        let from: Vec<_> = (0..9).map(|n| (place("t", n), Offset(0))).collect();
        let mut read = vec![Vec::new(); 9];
        let visit = |n: usize, logged: &Logged<'_>| read[n].push(logged.offset.0);
        let ends = cluster.read(&from, visit, soon()).await.unwrap();
        assert!(ends.iter().all(|end| end.as_ref().is_ok_and(|end| end.high_watermark == Offset(4))));
        assert!(read.iter().all(|read| *read == [0, 1, 2, 3]));
    }

    #[tokio::test(start_paused = true)]
    async fn gaps_that_compaction_or_markers_left_are_passed_over() {
        let empty = BatchBuilder::new().base_offset(3).build().unwrap();
        let mut bytes = empty.bytes().to_vec();
        bytes[field::LAST_OFFSET_DELTA..field::BASE_TIMESTAMP].copy_from_slice(&6_i32.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[field::ATTRIBUTES..]).to_be_bytes();
        bytes[field::CRC..field::ATTRIBUTES].copy_from_slice(&crc);
        let empty = Batch::try_from(entries(bytes.into()).next().unwrap().unwrap()).unwrap();
        let (dial, _fake) = Fake::new(1).topic("t", vec![(1, vec![batch(0, 1), empty])]).start();
        let (read, ends) = offsets_read(&mut connect(dial).await, &[0]).await;
        assert_eq!(read, [[0]]);
        assert_eq!(ends[0].unwrap().high_watermark, Offset(10));
    }

    #[tokio::test(start_paused = true)]
    async fn without_topic_ids_topics_go_by_their_names() {
        for metadata in [9, 13] {
            let mut fake = Fake::new(1).topic("t", vec![(1, vec![batch(0, 3)])]);
            fake.versions.insert(ApiKey::Metadata as i16, (0, metadata));
            let (dial, fake) = fake.start();
            assert_eq!(offsets_read(&mut connect(dial).await, &[0]).await.0, [[0, 1, 2]]);
            let fetch = if metadata == 9 { 12 } else { 18 };
            assert_eq!(fake.lock().unwrap().seen[1], (1, ApiKey::Fetch, fetch));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_moved_or_died_is_looked_for() {
        for dies in [false, true] {
            let (dial, fake) = Fake::new(2).topic("t", vec![(1, vec![batch(0, 3)])]).start();
            let mut cluster = Cluster::connect(dial, &[address(2)], soon()).await.unwrap();
            cluster.topic(&"t".into(), soon()).await.unwrap().unwrap();
            fake.lock().unwrap().topics.get_mut("t").unwrap().1[0].leader = 2;
            let hook = move |at: &Address, _: &Incoming| (dies && at.port == 1).then_some(Reply::Close);
            fake.lock().unwrap().hook = Box::new(hook);
            assert_eq!(offsets_read(&mut cluster, &[0]).await.0, [[0, 1, 2]]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_for_good_is_that_of_one_log_only() {
        let out_of_range = |_: &_, incoming: &Incoming| {
            let Request::Fetch(asked) = &incoming.request else { return None };
            let rows = asked.topics[0].partitions.iter().map(|row| {
                let code = i16::from(row.fetch_offset > 3);
                PartitionData::default()
                    .with_partition_index(row.partition)
                    .with_error_code(code)
                    .with_high_watermark(3)
                    .with_records(Some(batch(0, 3).into_bytes()))
            });
            let topic = FetchableTopicResponse::default()
                .with_topic_id(asked.topics[0].topic_id)
                .with_partitions(rows.collect());
            Some(Reply::to(incoming, &FetchResponse::default().with_responses(vec![topic])))
        };
        let fake = Fake::new(1).topic("t", vec![(1, vec![]), (1, vec![])]).hook(out_of_range);
        let (dial, _fake) = fake.start();
        let (read, ends) = offsets_read(&mut connect(dial).await, &[99, 0]).await;
        assert_eq!(ends[0], Err(ErrorCode(1)));
        assert!(ends[1].is_ok());
        assert_eq!(read, [vec![], vec![0, 1, 2]]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_says_nothing_is_asked_for_again_with_patience() {
        let mut waits = Vec::new();
        let (dial, fake) = Fake::new(1).topic("t", vec![(1, vec![batch(0, 3)])]).start();
        let (tell, told) = std::sync::mpsc::channel();
        fake.lock().unwrap().hook = Box::new(move |_, incoming| {
            let Request::Fetch(asked) = &incoming.request else { return None };
            tell.send((asked.max_wait_ms, asked.min_bytes)).unwrap();
            waits.push(());
            (waits.len() < 3).then(|| Reply::to(incoming, &FetchResponse::default()))
        });
        assert_eq!(offsets_read(&mut connect(dial).await, &[0]).await.0, [[0, 1, 2]]);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [(0, 0), (PATIENCE_MS, 1), (PATIENCE_MS, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_never_answers_is_named_when_time_runs_out() {
        let silent = |_: &_, incoming: &Incoming| {
            matches!(incoming.request, Request::Fetch(_)).then_some(Reply::Silence)
        };
        let (dial, _fake) = Fake::new(1).topic("t", vec![(1, vec![])]).hook(silent).start();
        let mut cluster = connect(dial).await;
        let deadline = Instant::now() + Duration::from_secs(3);
        let error = cluster.read(&[(place("t", 0), Offset(0))], |_, _| (), deadline).await.unwrap_err();
        assert_eq!(Instant::now(), deadline);
        assert_eq!(error.to_string(), "Fetch to broker:1 failed");
        assert!(matches!(error, ClusterError::Call(call) if matches!(call.cause, CallFailure::Deadline)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_more_is_asked_when_time_has_run_out() {
        let (dial, fake) = Fake::new(1).topic("t", vec![(1, vec![batch(0, 3)])]).start();
        let mut cluster = connect(dial).await;
        cluster.topic(&"t".into(), soon()).await.unwrap().unwrap();
        let from = [(place("t", 0), Offset(0))];
        let error = cluster.read(&from, |_, _| (), Instant::now()).await.unwrap_err();
        assert_eq!(error.to_string(), "time ran out while waiting for the rest of t[0]");
        assert_eq!(fake.lock().unwrap().seen.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_log_says_where_and_why() {
        let broken = |change: fn(&mut Vec<u8>)| async move {
            let mut bytes = batch(3, 2).bytes().to_vec();
            change(&mut bytes);
            let mut answer = batch(0, 3).bytes().to_vec();
            answer.append(&mut bytes);
            let (dial, _fake) = Fake::new(1)
                .topic("t", vec![(1, vec![])])
                .hook(move |_, incoming| {
                    let Request::Fetch(asked) = &incoming.request else { return None };
                    let row = PartitionData::default()
                        .with_high_watermark(5)
                        .with_records(Some(answer.clone().into()));
                    let topic = FetchableTopicResponse::default()
                        .with_topic_id(asked.topics[0].topic_id)
                        .with_partitions(vec![row]);
                    Some(Reply::to(incoming, &FetchResponse::default().with_responses(vec![topic])))
                })
                .start();
            let mut cluster = connect(dial).await;
            let error = cluster.read(&[(place("t", 0), Offset(0))], |_, _| (), soon()).await.unwrap_err();
            assert_eq!(error.to_string(), "the log of t[0] is broken at offset 3");
            std::error::Error::source(&error).unwrap().to_string()
        };
        let last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
        assert!(broken(last).await.starts_with("the batch's CRC is 0x"));
        assert_eq!(
            broken(|bytes| bytes[field::MAGIC] = 9).await,
            "this is no record batch: the magic 9 is unknown"
        );
        let old = broken(|bytes| bytes[field::MAGIC] = 1).await;
        assert_eq!(old, "this is no record batch: the magic is 1, not 2");
    }

    proptest! {
        #[test]
        fn whatever_a_broker_sends_as_records_is_read_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200), from in any::<i64>(), end in any::<i64>(),
        ) {
            let mut records = batch(0, 3).bytes().to_vec();
            records.append(&mut bytes);
            let place = place("t", 0);
            let mut log = Log { place: &place, next: from, end: None };
            let mut seen = Vec::new();
            let _ = log.take(records.into(), Offset(end), |logged| seen.push(logged.offset.0));
            prop_assert!(seen.iter().all(|offset| (from..end).contains(offset)));
        }
    }
}
