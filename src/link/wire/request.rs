//! A request, part by part.

use std::collections::HashMap;

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, MetadataRequest, ProduceRequest, TxnOffsetCommitRequest,
};
use uuid::Uuid;

use crate::fault::codes::Facts;
use crate::id::{Partition, TopicIndex};
use crate::kafka::batch::{Batch, TimestampType, entries};
use crate::kafka::{Incoming, Request};
use crate::plan::{Recogniser, Seen};
use crate::submissions::Submissions;
use crate::trace::{Answer, PassedRow, Sequenced};

use super::row::Place;

/// The most bytes that a batch is unpacked to, to look at its records.
const UNPACKED: usize = 256 * 1024 * 1024;

/// What is known of the plan's topics: what they are called on the cluster, and the ids that it gave them.
#[derive(Debug, Default)]
pub(in crate::link) struct Known {
    pub(in crate::link) names: HashMap<String, TopicIndex>,
    pub(in crate::link) ids: HashMap<Uuid, TopicIndex>,
    pub(in crate::link) replicas: Vec<u32>,
    pub(in crate::link) recogniser: Option<Recogniser>,
}

/// A request that has been looked into.
#[derive(Debug)]
pub(in crate::link) struct Asked {
    pub(in crate::link) incoming: Incoming,
    /// Its parts, at least one.
    pub(in crate::link) rows: Vec<PassedRow>,
    /// Of Produce: what each part is called in the request.
    pub(in crate::link) places: Vec<Place>,
    /// It asks for all topics there are.
    pub(in crate::link) all_topics: bool,
    /// What the codes are bound to.
    pub(in crate::link) facts: Facts,
}

/// Looks into a request.
pub(in crate::link) fn ask(incoming: Incoming, known: &mut Known) -> Asked {
    let facts = Facts { version: Some(incoming.version), ..Facts::default() };
    let mut asked = Asked { rows: Vec::new(), places: Vec::new(), all_topics: false, facts, incoming };
    let mut rows = Vec::new();
    match &asked.incoming.request {
        Request::Produce(request) => {
            rows = produce(request, known, &mut asked.facts, &mut asked.places);
        }
        Request::Metadata(request) => (rows, asked.all_topics) = metadata(request, known),
        Request::AddPartitionsToTxn(request) => rows = add_partitions(request, known),
        Request::TxnOffsetCommit(request) => rows = offsets(request, known),
        Request::AddOffsetsToTxn(request) => {
            rows.push(of_producer(request.producer_id.0, request.producer_epoch));
        }
        Request::EndTxn(request) => rows.push(of_producer(request.producer_id.0, request.producer_epoch)),
        Request::InitProducerId(request) => {
            asked.facts.transactional = Some(request.transactional_id.is_some());
            rows.push(of_producer(request.producer_id.0, request.producer_epoch));
        }
        _ => {}
    }
    if rows.is_empty() {
        rows.push(PassedRow::default());
    }
    asked.rows = rows;
    asked
}

fn of_producer(producer_id: i64, epoch: i16) -> PassedRow {
    PassedRow { sequenced: Some(Sequenced { producer_id, epoch, sequence: -1 }), ..PassedRow::default() }
}

fn produce(
    request: &ProduceRequest,
    known: &mut Known,
    facts: &mut Facts,
    places: &mut Vec<Place>,
) -> Vec<PassedRow> {
    let (mut rows, mut with_id) = (Vec::new(), true);
    let mut replicas = None;
    for topic in &request.topic_data {
        let index =
            known.names.get(topic.name.0.as_str()).or_else(|| known.ids.get(&topic.topic_id)).copied();
        let copies = index.and_then(|index| known.replicas.get(index.index())).copied();
        replicas = [replicas, copies].into_iter().flatten().min();
        for data in &topic.partition_data {
            let batch = data.records.clone().and_then(first_batch);
            with_id &= batch.as_ref().is_some_and(Batch::has_producer_id);
            places.push(Place { name: topic.name.clone(), id: topic.topic_id, partition: data.index });
            let row = batch.map_or_else(PassedRow::default, |batch| records(&batch, index, known));
            let answer = if request.acks == 0 { Answer::Unowed } else { Answer::Silent };
            rows.push(PassedRow { topic: index, partition: Some(Partition(data.index)), answer, ..row });
        }
    }
    facts.acks = Some(request.acks);
    facts.transactional = Some(request.transactional_id.is_some());
    facts.producer_id = Some(with_id);
    facts.replicas = replicas;
    rows
}

fn first_batch(records: bytes::Bytes) -> Option<Batch> {
    Batch::try_from(entries(records).next()?.ok()?).ok()
}

/// What a batch carries. What cannot be unpacked carries nothing that could be told; the broker will say so.
fn records(batch: &Batch, topic: Option<TopicIndex>, known: &mut Known) -> PassedRow {
    let mut submissions = Submissions::new();
    if let (Ok(payload), Some(recogniser)) = (batch.payload(UNPACKED), &mut known.recogniser) {
        for record in batch.records(&payload).map_while(Result::ok) {
            let sent = batch.timestamp_type() == TimestampType::CreateTime;
            let seen = Seen {
                key: record.key,
                value: record.value,
                headers: record.headers,
                timestamp: sent.then(|| record.timestamp(batch)),
            };
            let found = recogniser.recognise(topic.unwrap_or_default(), &seen);
            submissions.extend(found.map(|(submission, _)| submission));
        }
    }
    let sequenced = Sequenced {
        producer_id: batch.producer_id(),
        epoch: batch.producer_epoch(),
        sequence: batch.base_sequence(),
    };
    PassedRow {
        sequenced: Some(sequenced),
        submissions,
        records: u32::try_from(batch.record_count()).unwrap_or_default(),
        ..PassedRow::default()
    }
}

/// A row for each topic, and whether all are asked for. Null stands for all, in version 0 an empty list does.
fn metadata(request: &MetadataRequest, known: &Known) -> (Vec<PassedRow>, bool) {
    let Some(topics) = request.topics.as_ref() else { return (Vec::new(), true) };
    let row = |topic: &MetadataRequestTopic| {
        let name = topic.name.as_ref().and_then(|name| known.names.get(name.0.as_str()));
        let topic = name.or_else(|| known.ids.get(&topic.topic_id)).copied();
        PassedRow { topic, ..PassedRow::default() }
    };
    (topics.iter().map(row).collect(), false)
}

fn add_partitions(request: &AddPartitionsToTxnRequest, known: &Known) -> Vec<PassedRow> {
    let old = (
        request.v3_and_below_producer_id.0,
        request.v3_and_below_producer_epoch,
        &request.v3_and_below_topics,
    );
    let new = request.transactions.iter().map(|one| (one.producer_id.0, one.producer_epoch, &one.topics));
    let all = std::iter::once(old).chain(new);
    let of_topic = |producer_id: i64, epoch: i16, topic: &AddPartitionsToTxnTopic| {
        let index = known.names.get(topic.name.0.as_str()).copied();
        let row = move |partition: &i32| PassedRow {
            topic: index,
            partition: Some(Partition(*partition)),
            ..of_producer(producer_id, epoch)
        };
        topic.partitions.iter().map(row).collect::<Vec<_>>()
    };
    all.flat_map(|(id, epoch, topics)| topics.iter().flat_map(move |topic| of_topic(id, epoch, topic)))
        .collect()
}

fn offsets(request: &TxnOffsetCommitRequest, known: &Known) -> Vec<PassedRow> {
    let (id, epoch) = (request.producer_id.0, request.producer_epoch);
    let mut rows = Vec::new();
    for topic in &request.topics {
        let index = known.names.get(topic.name.0.as_str()).copied();
        rows.extend(topic.partitions.iter().map(|partition| PassedRow {
            topic: index,
            partition: Some(Partition(partition.partition_index)),
            ..of_producer(id, epoch)
        }));
    }
    rows
}
