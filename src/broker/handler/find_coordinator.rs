//! `FindCoordinator`: which broker looks after a transaction, or after the offsets of a group. No group APIs are served.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use crate::broker::node::emulate::Emulate;
use crate::broker::node::{Endpoint, Node};
use crate::broker::topic::internal::{OFFSETS, TRANSACTIONS};
use crate::kafka::ErrorCode;

/// The first version that asks for several coordinators at once.
const SEVERAL: i16 = 4;
/// The first version that knows coordinators of share groups.
const WITH_SHARES: i16 = 6;
/// Stands for no broker (`Node.noNode`).
const NOBODY: i32 = -1;

/// Kinds of keys (`FindCoordinatorRequest.CoordinatorType`).
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

/// Digits of a topic's id in text (`Uuid.toString`).
const ID: usize = 22;

/// Kafka creates the topic for it at the first request, and answers that one that the coordinator is not available yet.
/// Here it is available at once.
pub(super) fn handle(node: &Node, version: i16, request: &FindCoordinatorRequest) -> FindCoordinatorResponse {
    let response = FindCoordinatorResponse::default();
    if version >= SEVERAL {
        let kind = request.key_type;
        let row = |key: &StrBytes| row((kind, key), find(node, version, (kind, key)));
        return response.with_coordinators(request.coordinator_keys.iter().map(row).collect());
    }
    let message = |text| if version >= 1 { Some(StrBytes::from_static_str(text)) } else { None };
    match find(node, version, (request.key_type, &request.key)) {
        Ok(endpoint) => response
            .with_error_message(message("NONE"))
            .with_node_id(endpoint.id.0.into())
            .with_host(StrBytes::from_string(endpoint.host))
            .with_port(endpoint.port.into()),
        Err(code) => response
            .with_error_code(code.0)
            .with_error_message(message(words(code)))
            .with_node_id(NOBODY.into())
            .with_port(NOBODY),
    }
}

fn row((kind, key): (i8, &StrBytes), found: Result<Endpoint, ErrorCode>) -> Coordinator {
    let row = Coordinator::default().with_key(key.clone());
    match found {
        Ok(endpoint) => row
            .with_error_message(Some(StrBytes::default()))
            .with_node_id(endpoint.id.0.into())
            .with_host(StrBytes::from_string(endpoint.host))
            .with_port(endpoint.port.into()),
        Err(code) => row
            .with_error_code(code.0)
            .with_error_message(Some(StrBytes::from_static_str(match kind {
                // Not even a kind of key.
                GROUP | TRANSACTION | SHARE => "",
                _ => words(code),
            })))
            .with_node_id(NOBODY.into())
            .with_port(NOBODY),
    }
}

fn find(node: &Node, version: i16, (kind, key): (i8, &StrBytes)) -> Result<Endpoint, ErrorCode> {
    match kind {
        GROUP | TRANSACTION => {
            node.cluster.create_on_demand(if kind == GROUP { OFFSETS } else { TRANSACTIONS });
            let broker = node.cluster.coordinator_of(key);
            let endpoint = broker.and_then(|broker| node.cluster.reachable(broker));
            endpoint.cloned().ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)
        }
        SHARE
            if version >= WITH_SHARES
                && (node.cluster.emulate < Emulate::V4_3 || is_share_partition(key)) =>
        {
            Err(ErrorCode::COORDINATOR_NOT_AVAILABLE)
        }
        _ => Err(ErrorCode::INVALID_REQUEST),
    }
}

/// A group, a topic's id and a partition with colons between them (`SharePartitionKey.getInstance`).
fn is_share_partition(key: &str) -> bool {
    let mut parts = key.trim_end_matches(':').rsplitn(3, ':');
    let partition = parts.next().is_some_and(|part| part.parse::<i32>().is_ok());
    let is_digit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let id = parts.next().is_some_and(|part| part.len() == ID && part.chars().all(is_digit));
    partition && id && parts.next().is_some_and(|group| !group.trim().is_empty())
}

/// In Java's words.
fn words(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::COORDINATOR_NOT_AVAILABLE => "The coordinator is not available.",
        _ => {
            "This most likely occurs because of a request being malformed by the client library or the message was \
             sent to an incompatible broker. See the broker logs for more details."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::connection::wire::Bench;
    use crate::id::BrokerId;

    #[tokio::test]
    async fn every_version_names_the_broker() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for kind in [GROUP, TRANSACTION] {
            for version in 0..SEVERAL {
                let kind = if version == 0 { GROUP } else { kind };
                let key = StrBytes::from_static_str("group");
                let request = FindCoordinatorRequest::default().with_key(key).with_key_type(kind);
                let response = client.call(version, &request).await;
                assert_eq!((response.error_code, response.node_id.0, response.port), (0, 1, 9092));
            }
            for version in SEVERAL..=6 {
                let keys = ["one", "two"].map(StrBytes::from_static_str).to_vec();
                let request =
                    FindCoordinatorRequest::default().with_coordinator_keys(keys).with_key_type(kind);
                let response = client.call(version, &request).await;
                let rows = response.coordinators.iter();
                let rows: Vec<_> =
                    rows.map(|row| (row.key.as_str(), row.error_code, row.node_id.0)).collect();
                assert_eq!(rows, [("one", 0, 1), ("two", 0, 1)], "v{version}");
            }
        }
    }

    #[tokio::test]
    async fn a_moved_coordinator_is_found_where_it_is_and_the_old_one_refuses() {
        use kafka_protocol::messages::{InitProducerIdRequest, TransactionalId};
        let mut bench = Bench::of(3, "orders", &[]);
        let request = || {
            let keys = vec![StrBytes::from_static_str("id")];
            FindCoordinatorRequest::default().with_coordinator_keys(keys).with_key_type(TRANSACTION)
        };
        let mut client = bench.connect();
        let before = client.call(6, &request()).await.coordinators[0].node_id.0;
        let to = before % 3 + 1;
        bench.node.cluster.transactions.move_coordinator("id", BrokerId(to));
        assert_eq!(client.call(6, &request()).await.coordinators[0].node_id.0, to);
        let init = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(StrBytes::from_static_str("id"))))
            .with_producer_id((-1).into())
            .with_producer_epoch(-1)
            .with_transaction_timeout_ms(1_000);
        let old = bench.connect_to(before).call(5, &init).await;
        assert_eq!(ErrorCode(old.error_code), ErrorCode::NOT_COORDINATOR);
        assert_eq!(bench.connect_to(to).call(5, &init).await.error_code, 0);
        bench.node.cluster.down(BrokerId(to));
        let next = client.call(6, &request()).await.coordinators[0].node_id.0;
        assert_ne!(next, to, "another one takes over");
    }

    #[tokio::test]
    async fn what_is_no_kind_of_key_is_refused() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for (version, kind, code) in [
            (5, SHARE, ErrorCode::INVALID_REQUEST),
            (6, SHARE, ErrorCode::COORDINATOR_NOT_AVAILABLE),
            (3, 7, ErrorCode::INVALID_REQUEST),
        ] {
            let keys = vec![StrBytes::from_static_str("group:AAAAAAAAAAAAAAAAAAAAAQ:0")];
            let request = FindCoordinatorRequest::default().with_key_type(kind);
            let request = if version >= SEVERAL { request.with_coordinator_keys(keys) } else { request };
            let response = client.call(version, &request).await;
            let code_of = response.coordinators.first().map_or(response.error_code, |row| row.error_code);
            assert_eq!(ErrorCode(code_of), code, "v{version}");
        }
    }

    #[test]
    fn a_share_partition_is_a_group_an_id_and_a_number() {
        for (key, expected) in [
            ("a:b:AAAAAAAAAAAAAAAAAAAAAQ:1", true),
            ("a:AAAAAAAAAAAAAAAAAAAAAQ:x", false),
            ("a:short:1", false),
            (" :AAAAAAAAAAAAAAAAAAAAAQ:1", false),
            ("AAAAAAAAAAAAAAAAAAAAAQ:1", false),
            ("", false),
        ] {
            assert_eq!(is_share_partition(key), expected, "{key}");
        }
    }
}
