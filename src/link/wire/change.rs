//! What a fault changes of an answer, and what the link itself does.

use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, FindCoordinatorResponse, MetadataResponse, ProduceResponse,
};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::{APIS, ErrorCode};

use super::metadata::{self as topics, Named};
use super::produce as rows;
use super::request::Asked;
use super::row::Failing;

/// APIs whose answers are passed on untouched, whatever their version; all others that the link knows it decodes.
pub(super) const UNTOUCHED: &[ApiKey] =
    &[ApiKey::ListOffsets, ApiKey::CreateTopics, ApiKey::DeleteTopics, ApiKey::DescribeConfigs];
/// `GetTelemetrySubscriptions` and `PushTelemetry`: what a client does in the background would make runs differ.
const TELEMETRY: [i16; 2] = [71, 72];

/// What a fault changes of an answer.
#[derive(Clone, Debug)]
pub(in crate::link) enum Change {
    Fail(Failing),
    Metadata(Named),
    Versions(Vec<(ApiKey, i16)>),
    /// In milliseconds.
    Throttle(i32),
}

/// Of Produce.
pub(super) fn produce(answer: &mut ProduceResponse, asked: Option<&Asked>, change: Option<&Change>) {
    match change {
        Some(Change::Fail(failing)) => {
            rows::fail(answer, asked.map_or(&[][..], |asked| &asked.places), failing);
        }
        Some(Change::Throttle(time)) => answer.throttle_time_ms = *time,
        _ => {}
    }
}

/// Of Metadata.
pub(super) fn metadata(answer: &mut MetadataResponse, change: Option<&Change>) {
    match change {
        Some(Change::Metadata(named)) => topics::change(answer, named),
        Some(Change::Throttle(time)) => answer.throttle_time_ms = *time,
        _ => {}
    }
}

/// Of `FindCoordinator`.
pub(super) fn coordinator(answer: &mut FindCoordinatorResponse, change: Option<&Change>) {
    match change {
        Some(Change::Fail(failing)) => {
            let nowhere = StrBytes::from_static_str("");
            for coordinator in &mut answer.coordinators {
                coordinator.error_code = failing.fail.error.0;
                (coordinator.node_id, coordinator.port) = ((-1).into(), -1);
                coordinator.host = nowhere.clone();
            }
            if answer.coordinators.is_empty() {
                answer.error_code = failing.fail.error.0;
                (answer.node_id, answer.port, answer.host) = ((-1).into(), -1, nowhere);
            }
        }
        Some(Change::Throttle(time)) => answer.throttle_time_ms = *time,
        _ => {}
    }
}

/// The first error of a topic, or none.
pub(super) fn first_error(answer: &MetadataResponse) -> ErrorCode {
    let code = answer.topics.iter().map(|topic| topic.error_code).find(|code| *code != 0);
    ErrorCode(code.unwrap_or(0))
}

/// Of `ApiVersions`.
pub(super) fn api_versions(answer: &mut ApiVersionsResponse, change: Option<&Change>) {
    lower(answer);
    match change {
        Some(Change::Versions(limits)) => limit(answer, limits),
        Some(Change::Fail(failing)) => {
            answer.error_code = failing.fail.error.0;
            answer.api_keys.clear();
        }
        Some(Change::Throttle(time)) => answer.throttle_time_ms = *time,
        _ => {}
    }
}

/// Nothing is offered that the link must understand and does not.
fn lower(answer: &mut ApiVersionsResponse) {
    answer.api_keys.retain(|offered| !TELEMETRY.contains(&offered.api_key));
    for offered in &mut answer.api_keys {
        let api = APIS.iter().find(|api| api.key as i16 == offered.api_key);
        if let Some(api) = api.filter(|api| !UNTOUCHED.contains(&api.key)) {
            offered.max_version = offered.max_version.min(*api.served().end());
        }
    }
}

fn limit(answer: &mut ApiVersionsResponse, limits: &[(ApiKey, i16)]) {
    for (key, last) in limits {
        answer.api_keys.retain(|offered| offered.api_key != *key as i16 || offered.min_version <= *last);
        for offered in answer.api_keys.iter_mut().filter(|offered| offered.api_key == *key as i16) {
            offered.max_version = offered.max_version.min(*last);
        }
    }
}
