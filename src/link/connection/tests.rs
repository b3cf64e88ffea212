//! A connection over pipes: what reaches either side, byte by byte.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, MetadataResponse, ProduceRequest, ProduceResponse,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::proxy;
use crate::fault::{ApiFilter, Condition, Count, Requests};
use crate::id::{BrokerId, FaultIndex, ProducerIndex};
use crate::kafka::frame::FrameReader;
use crate::kafka::{Api, ErrorCode, decode_response, encode_request, encode_response};
use crate::link::ports::{Ports, Told};
use crate::link::state::Shared;
use crate::link::upstream::Upstream;
use crate::link::wanted::Wanted;
use crate::plan::{self, Options, Plan};
use crate::source::Source;
use crate::trace::{Answer, Linked, Recorder};

const PRODUCE: i16 = 7;
const BROKER: BrokerId = BrokerId(1);
const PRODUCER: ProducerIndex = ProducerIndex(0);

fn plan(faults: &str) -> Plan {
    let steps = "steps: [{ send: 1 }, { release: it }]";
    let text = format!("topic: {{ name: a, partitions: 2 }}\n{steps}\nfaults: [{faults}]\n");
    let loaded = plan::of(&Arc::new(Source::new("t.yaml", &text)), Options { name: "t", settings: &[] });
    loaded.plans.into_iter().next().unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// A connection between two pipes, of which the first step has begun.
struct Wired {
    client: DuplexStream,
    broker: DuplexStream,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

fn wired(fault: &str) -> Wired {
    let fault = if fault.is_empty() { "{ name: it, on: end_txn, do: disconnect_before }" } else { fault };
    let plan = plan(fault);
    let wanted = Wanted { faults: plan.faults.clone(), allow_impossible: false, requests: true };
    let shared = Arc::new(Shared::new(wanted, &Arc::new(Recorder::default())));
    let ports = Ports::bind(Upstream::new(&plan, &MetadataResponse::default()), 1).unwrap();
    let (client, inner_client) = duplex(1 << 16);
    let (broker, inner_broker) = duplex(1 << 16);
    let served = Arc::clone(&shared);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let told = Told { ports: &ports, producer: PRODUCER };
        let (ends, ties, _) = served.open(PRODUCER, BROKER);
        served.is_whole(ends);
        let reason = proxy(inner_client, inner_broker, (ends, &ties), &told, &served).await;
        served.close(ends, reason);
    });
    shared.begin();
    Wired { client, broker, shared, tasks }
}

impl Wired {
    /// Both sides are closed; what the client and the broker still got, and what passed.
    async fn end(mut self) -> (Vec<u8>, Vec<u8>, Linked) {
        let (mut told, mut asked) = (Vec::new(), Vec::new());
        self.client.shutdown().await.unwrap();
        self.broker.read_to_end(&mut asked).await.unwrap();
        self.broker.shutdown().await.unwrap();
        self.client.read_to_end(&mut told).await.unwrap();
        self.tasks.join_next().await.unwrap().unwrap();
        (told, asked, self.shared.take())
    }

    /// The fault has taken a request.
    async fn matched(&self) {
        let came = self.shared.wait(&Condition::Matched(FaultIndex(0)));
        while !came.is_over() {
            tokio::task::yield_now().await;
        }
    }

    /// So many requests have come.
    async fn taken_in(&self, requests: u64) {
        let (api, count) = (ApiFilter::Api(ApiKey::Produce), Count::Total(requests));
        let requests = Requests { api, producer: None, broker: None, count };
        let waiting = self.shared.wait(&Condition::Requests(requests));
        while !waiting.is_over() {
            tokio::task::yield_now().await;
        }
    }

    async fn received(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        timeout(Duration::from_secs(20), self.broker.read_exact(&mut got)).await.unwrap().unwrap();
        assert_eq!(got, bytes);
    }
}

fn records(partitions: &[i32], client: Option<&str>) -> Bytes {
    let rows = partitions.iter().map(|index| PartitionProduceData::default().with_index(*index));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str("a")))
        .with_partition_data(rows.collect());
    let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
    encode_request(PRODUCE, 5, client, &request).unwrap().freeze()
}

fn acknowledged(partition: i32) -> Bytes {
    let row = PartitionProduceResponse::default().with_index(partition).with_base_offset(3);
    let topic = TopicProduceResponse::default()
        .with_name(TopicName(StrBytes::from_static_str("a")))
        .with_partition_responses(vec![row]);
    let answer = ProduceResponse::default().with_responses(vec![topic]);
    encode_response(Api::from_key(0).unwrap(), PRODUCE, 5, &answer).unwrap().freeze()
}

fn answers(linked: &Linked) -> Vec<Answer> {
    linked.passed.iter().filter(|passed| passed.api.is_some()).map(|passed| passed.rows[0].answer).collect()
}

#[tokio::test]
async fn what_the_link_does_not_know_passes_as_it_is() {
    let mut wired = wired("");
    let request = [&[0, 0, 0, 12, 0x03, 0xe7, 0, 99, 0, 0, 0, 7][..], &[0xff; 4]].concat();
    wired.client.write_all(&request).await.unwrap();
    wired.received(&request).await;
    let answer = [0, 0, 0, 6, 0, 0, 0, 7, 0xab, 0xcd];
    wired.broker.write_all(&answer).await.unwrap();
    let mut got = [0; 10];
    wired.client.read_exact(&mut got).await.unwrap();
    assert_eq!(got, answer);
    let (told, asked, _) = wired.end().await;
    assert_eq!((told.len(), asked.len()), (0, 0));
}

#[tokio::test]
async fn what_is_cut_off_has_so_many_bytes_with_its_length() {
    let mut wired = wired("{ name: it, on: produce, do: { truncate_request: 20 } }");
    let request = records(&[0], Some("me"));
    wired.client.write_all(&request).await.unwrap();
    wired.received(&request[..20]).await;
    let (told, asked, linked) = wired.end().await;
    assert_eq!((told.len(), asked.len(), answers(&linked)), (0, 0, vec![Answer::Closed]));

    let mut wired = self::wired("{ name: it, on: produce, do: { truncate_response: 7 } }");
    wired.client.write_all(&request).await.unwrap();
    wired.received(&request).await;
    wired.broker.write_all(&acknowledged(0)).await.unwrap();
    let (told, _, linked) = wired.end().await;
    assert_eq!((&told[..], answers(&linked)), (&acknowledged(0)[..7], vec![Answer::Closed]));
}

#[tokio::test]
async fn what_is_kept_of_a_client_that_has_gone_is_delivered_or_lost() {
    for (after_close, delivered) in [("deliver", true), ("lose", false)] {
        let action = format!("{{ hold_request: {{ until: released, after_close: {after_close} }} }}");
        let mut wired = wired(&format!("{{ name: it, on: produce, do: {action} }}"));
        let request = records(&[0], Some("me"));
        wired.client.write_all(&[&request[..], &request].concat()).await.unwrap();
        wired.client.shutdown().await.unwrap();
        if delivered {
            let mut byte = [0];
            let early = timeout(Duration::from_millis(20), wired.broker.read(&mut byte)).await;
            assert!(early.is_err(), "it must wait until it is released");
        }
        wired.shared.release(FaultIndex(0));
        let (_, asked, _) = wired.end().await;
        let expected = if delivered { [&request[..], &request].concat() } else { Vec::new() };
        assert_eq!(asked, expected, "{after_close}");
    }
}

#[tokio::test]
async fn what_is_kept_of_a_client_that_is_disconnected_is_delivered_or_lost() {
    for (after_close, delivered) in [("deliver", true), ("lose", false)] {
        let action = format!("{{ hold_request: {{ until: released, after_close: {after_close} }} }}");
        let mut wired = wired(&format!("{{ name: it, on: produce, do: {action} }}"));
        let request = records(&[0], Some("me"));
        let sent = [&request[..], &request].concat();
        wired.client.write_all(&sent).await.unwrap();
        wired.taken_in(2).await;
        wired.shared.disconnect(None, None);
        // The client hears of it at once; what it still says counts for nothing.
        assert_eq!(wired.client.read(&mut [0]).await.unwrap(), 0);
        wired.client.write_all(&request).await.unwrap();
        wired.shared.release(FaultIndex(0));
        let delivered = if delivered { sent } else { Vec::new() };
        wired.received(&delivered).await;
        if !delivered.is_empty() {
            wired.broker.write_all(&[acknowledged(0), acknowledged(0)].concat()).await.unwrap();
        }
        let (told, asked, linked) = wired.end().await;
        assert_eq!((told.len(), asked.len()), (0, 0), "{after_close}");
        assert_eq!(answers(&linked), [Answer::Closed, Answer::Closed]);
    }
}

#[tokio::test]
async fn the_parts_that_are_not_refused_go_on_in_the_clients_name() {
    for client in [None, Some(""), Some("me")] {
        let mut wired = wired(
            "{ name: it, on: { produce: { partition: 0 } }, do: { fail: { error: CORRUPT_MESSAGE } } }",
        );
        wired.client.write_all(&records(&[0, 1], client)).await.unwrap();
        wired.received(&records(&[1], client)).await;
        wired.broker.write_all(&acknowledged(1)).await.unwrap();
        let (told, asked, _) = wired.end().await;
        assert_eq!(asked.len(), 0);
        let answer = decode_response::<ProduceRequest>(Bytes::from(told).slice(4..), PRODUCE, 5).unwrap();
        let rows = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
        let mut rows: Vec<_> =
            rows.map(|row| (row.index, ErrorCode(row.error_code), row.base_offset)).collect();
        rows.sort_by_key(|row| row.0);
        assert_eq!(rows, [(0, ErrorCode::CORRUPT_MESSAGE, -1), (1, ErrorCode::NONE, 3)]);
    }
}

#[tokio::test]
async fn what_the_link_cannot_decode_is_not_offered() {
    let mut wired = wired("");
    let request = encode_request(3, 9, "me", &ApiVersionsRequest::default()).unwrap();
    wired.client.write_all(&request).await.unwrap();
    wired.received(&request).await;
    let offered = |key: i16| ApiVersion::default().with_api_key(key).with_min_version(0).with_max_version(99);
    // Produce, Metadata, telemetry, and one that nobody needs to understand.
    let answer = ApiVersionsResponse::default().with_api_keys([0, 3, 71, 72, 29].map(offered).to_vec());
    let api = Api::from_key(18).unwrap();
    wired.broker.write_all(&encode_response(api, 3, 9, &answer).unwrap()).await.unwrap();
    let (told, ..) = wired.end().await;
    let answer = decode_response::<ApiVersionsRequest>(Bytes::from(told).slice(4..), 3, 9).unwrap();
    let keys: Vec<_> = answer.api_keys.iter().map(|one| one.api_key).collect();
    assert_eq!(keys, [0, 3, 29]);
    assert!(answer.api_keys[..2].iter().all(|one| one.max_version < 99));
    assert_eq!(answer.api_keys[2].max_version, 99);
}

#[tokio::test]
async fn what_stops_reading_leaves_what_ends_behind_its_bytes_where_it_is() {
    let (one, two) = (records(&[0], Some("me")), records(&[1], Some("me")));
    let after = one.len() + two.len() - 1;
    let action = format!("{{ stop_reading: {{ after_bytes: {after} }} }}");
    let fault = format!("{{ name: it, on: produce, do: {action}, hold: {{ until: released }} }}");
    let mut wired = wired(&fault);
    wired.client.write_all(&[&one[..], &two].concat()).await.unwrap();
    let mut byte = [0];
    let early = timeout(Duration::from_millis(20), wired.broker.read(&mut byte)).await;
    assert!(early.is_err(), "nothing may go on");
    wired.shared.release(FaultIndex(0));
    wired.received(&[&one[..], &two].concat()).await;
    drop(wired.end().await);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn nothing_that_either_side_says_keeps_a_connection_from_ending(
        asked in prop::collection::vec(any::<u8>(), 0..80),
        told in prop::collection::vec(any::<u8>(), 0..80),
        framed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut wired = wired("{ name: it, on: any, do: { hold_response: { until: { sent: 0 } } } }");
            let length = u32::try_from(asked.len()).unwrap().to_be_bytes();
            let bytes = if framed { [&length[..], &asked].concat() } else { asked };
            wired.client.write_all(&bytes).await.unwrap();
            wired.broker.write_all(&told).await.unwrap();
            let ended = timeout(Duration::from_secs(20), wired.end()).await;
            assert!(ended.is_ok(), "it did not end");
        });
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_both_sides() {
    let mut wired = wired("");
    let request = records(&[0], Some("me"));
    wired.client.write_all(&request).await.unwrap();
    wired.received(&request).await;
    wired.shared.disconnect(None, None);
    let mut reader = FrameReader::new(&mut wired.broker, 1 << 20);
    assert!(matches!(reader.read().await, Ok(None)), "the broker's side is closed");
    let (told, _, linked) = wired.end().await;
    assert_eq!((told.len(), answers(&linked)), (0, vec![Answer::Closed]));
}

#[tokio::test]
async fn what_is_released_behind_a_disconnect_is_lost_where_the_fault_says_so() {
    for _ in 0..50 {
        let action = "{ hold_request: { until: released, after_close: lose } }";
        let mut wired = wired(&format!("{{ name: it, on: produce, do: {action} }}"));
        let request = records(&[0], Some("me"));
        wired.client.write_all(&request).await.unwrap();
        wired.matched().await;
        wired.shared.disconnect(None, None);
        wired.shared.release(FaultIndex(0));
        let (_, asked, _) = wired.end().await;
        assert_eq!(asked.len(), 0);
    }
}

#[tokio::test]
async fn what_is_released_behind_a_client_that_is_known_to_be_gone_is_lost() {
    for _ in 0..50 {
        let action = "{ hold_request: { until: released, after_close: lose } }";
        let mut wired = wired(&format!("{{ name: it, on: produce, do: {action} }}"));
        wired.client.write_all(&records(&[0], Some("me"))).await.unwrap();
        wired.matched().await;
        wired.shared.leave(PRODUCER);
        wired.shared.release(FaultIndex(0));
        let (_, asked, _) = wired.end().await;
        assert_eq!(asked.len(), 0);
    }
}
