//! `FindCoordinator`. There are no groups and no transactions here, but clients on librdkafka compress with LZ4 only for
//! a broker that speaks it (`rd_kafka_feature_map`).

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::ErrorCode;

/// The first version that asks for several coordinators at once.
const SEVERAL: i16 = 4;
/// Stands for no broker (`Node.noNode`).
const NOBODY: i32 = -1;

/// Says of every coordinator that it is not available, as Apache Kafka does before it has the topic for it.
pub(super) fn handle(version: i16, request: &FindCoordinatorRequest) -> FindCoordinatorResponse {
    let code = ErrorCode::COORDINATOR_NOT_AVAILABLE.0;
    let message = || Some(StrBytes::from_static_str("The coordinator is not available."));
    let response = FindCoordinatorResponse::default();
    if version < SEVERAL {
        let response = response.with_error_code(code).with_node_id(NOBODY.into()).with_port(NOBODY);
        return if version >= 1 { response.with_error_message(message()) } else { response };
    }
    let coordinator = |key: &StrBytes| {
        Coordinator::default()
            .with_key(key.clone())
            .with_error_code(code)
            .with_error_message(message())
            .with_node_id(NOBODY.into())
            .with_port(NOBODY)
    };
    response.with_coordinators(request.coordinator_keys.iter().map(coordinator).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::connection::wire::Bench;

    #[tokio::test]
    async fn every_version_says_that_there_is_none() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for version in 0..SEVERAL {
            let request = FindCoordinatorRequest::default().with_key(StrBytes::from_static_str("group"));
            let response = client.call(version, &request).await;
            assert_eq!(ErrorCode(response.error_code), ErrorCode::COORDINATOR_NOT_AVAILABLE, "v{version}");
            assert_eq!(response.node_id.0, NOBODY);
        }
        for version in SEVERAL..=6 {
            let keys = ["one", "two"].map(StrBytes::from_static_str).to_vec();
            let response =
                client.call(version, &FindCoordinatorRequest::default().with_coordinator_keys(keys)).await;
            let codes = response.coordinators.iter().map(|row| (row.key.as_str(), ErrorCode(row.error_code)));
            let none = ErrorCode::COORDINATOR_NOT_AVAILABLE;
            assert_eq!(codes.collect::<Vec<_>>(), [("one", none), ("two", none)], "v{version}");
        }
    }
}
