//! `DescribeCluster` (`AuthHelper.computeDescribeClusterResponse`).

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use crate::broker::handler::metadata::{CLUSTER_OPERATIONS, NOT_ASKED};
use crate::broker::node::{CLUSTER_ID, Endpoint, Node};
use crate::kafka::ErrorCode;

/// `EndpointType.BROKER` and `EndpointType.CONTROLLER`.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn handle(node: &Node, version: i16, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let code = |code| if version == 0 { ErrorCode::INVALID_REQUEST } else { code };
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type \
                           CONTROLLER";
            return refused(code(ErrorCode::MISMATCHED_ENDPOINT_TYPE), message.to_owned());
        }
        other => {
            let message = format!("Unsupported endpoint type {other}");
            return refused(code(ErrorCode::UNSUPPORTED_ENDPOINT_TYPE), message);
        }
    }
    let cluster = &node.cluster;
    let shown = |endpoint: &&Endpoint| request.include_fenced_brokers || cluster.is_running(endpoint.id);
    let broker = |endpoint: &Endpoint| {
        DescribeClusterBroker::default()
            .with_broker_id(endpoint.id.0.into())
            .with_host(StrBytes::from_string(endpoint.host.clone()))
            .with_port(endpoint.port.into())
            .with_is_fenced(!cluster.is_running(endpoint.id))
    };
    let operations =
        if request.include_cluster_authorized_operations { CLUSTER_OPERATIONS } else { NOT_ASKED };
    DescribeClusterResponse::default()
        .with_cluster_id(StrBytes::from_static_str(CLUSTER_ID))
        .with_controller_id(cluster.controller().0.into())
        .with_brokers(cluster.endpoints.iter().filter(shown).map(broker).collect())
        .with_cluster_authorized_operations(operations)
}

fn refused(code: ErrorCode, message: String) -> DescribeClusterResponse {
    DescribeClusterResponse::default()
        .with_error_code(code.0)
        .with_error_message(Some(StrBytes::from_string(message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::connection::wire::Bench;
    use crate::id::BrokerId;

    #[tokio::test]
    async fn every_version_names_the_brokers_that_run() {
        let mut bench = Bench::of(3, "orders", &[]);
        bench.node.cluster.down(BrokerId(2));
        let mut client = bench.connect();
        for version in 0..=2 {
            let response = client.call(version, &DescribeClusterRequest::default()).await;
            let brokers: Vec<_> =
                response.brokers.iter().map(|broker| (broker.broker_id.0, broker.port)).collect();
            assert_eq!(brokers, [(1, 9092), (3, 9094)], "v{version}");
            assert_eq!((response.error_code, response.controller_id.0), (0, 1));
            assert_eq!((response.cluster_id.len(), response.cluster_authorized_operations), (22, i32::MIN));
        }
        let all = DescribeClusterRequest::default()
            .with_include_fenced_brokers(true)
            .with_include_cluster_authorized_operations(true);
        let response = client.call(2, &all).await;
        let fenced: Vec<_> = response.brokers.iter().map(|broker| broker.is_fenced).collect();
        assert_eq!((fenced, response.cluster_authorized_operations), (vec![false, true, false], 8096));
    }

    #[tokio::test]
    async fn there_are_no_controllers_to_describe() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for (endpoint_type, code) in [(2, 114), (0, 115), (3, 115)] {
            let request = DescribeClusterRequest::default().with_endpoint_type(endpoint_type);
            let response = client.call(1, &request).await;
            assert_eq!((response.error_code, response.brokers.len()), (code, 0));
            assert!(response.error_message.is_some());
        }
    }
}
