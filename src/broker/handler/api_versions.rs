//! `ApiVersions`: what the broker speaks.

use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};

use crate::kafka::{APIS, Api, ErrorCode};

pub(super) fn handle(version: i16, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    let named = is_name(&request.client_software_name) && is_name(&request.client_software_version);
    if version >= 3 && !named {
        return ApiVersionsResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0);
    }
    ApiVersionsResponse::default().with_api_keys(APIS.iter().map(row).collect())
}

/// The answer to a version that we do not speak: its own range, and nothing else.
pub(super) fn unsupported() -> ApiVersionsResponse {
    let own = APIS.iter().filter(|api| api.key == ApiKey::ApiVersions);
    ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(own.map(row).collect())
}

fn row(api: &Api) -> ApiVersion {
    let advertised = api.advertised();
    ApiVersion::default()
        .with_api_key(api.key as i16)
        .with_min_version(*advertised.start())
        .with_max_version(*advertised.end())
}

/// Letters and digits, with `-` and `.` between them (`ApiVersionsRequest.isValid`, KIP-511).
fn is_name(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_alphanumeric();
    match text.as_bytes() {
        [] => false,
        [first, .., last] => {
            alphanumeric(first)
                && alphanumeric(last)
                && text.bytes().all(|byte| alphanumeric(&byte) || [b'-', b'.'].contains(&byte))
        }
        [only] => alphanumeric(only),
    }
}
