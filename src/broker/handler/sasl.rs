//! `SaslHandshake` and `SaslAuthenticate`, which Apache Kafka advertises on every listener. On one without SASL it says
//! that it is too late for them (`KafkaApis.handleSaslHandshakeRequest`, `handleSaslAuthenticateRequest`).

use kafka_protocol::messages::{SaslAuthenticateResponse, SaslHandshakeResponse};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::ErrorCode;

/// No mechanism is enabled.
pub(super) fn handshake() -> SaslHandshakeResponse {
    SaslHandshakeResponse::default().with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0)
}

pub(super) fn authenticate() -> SaslAuthenticateResponse {
    let message = "SaslAuthenticate request received after successful authentication";
    SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0)
        .with_error_message(Some(StrBytes::from_static_str(message)))
}
