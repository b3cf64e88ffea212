//! librdkafka's errors in the words of a trace.

use rdkafka::types::RDKafkaErrorCode;

use crate::kafka::ErrorCode;
use crate::trace::{ClientError, Code};

/// The reason in a callback: the protocol's name for what a broker said, a neutral word for what the client said.
pub(super) fn in_callback(error: RDKafkaErrorCode) -> Code {
    // librdkafka keeps its own codes below zero and the protocol's as they are, but for -1, which is the protocol's
    // UNKNOWN_SERVER_ERROR.
    match i16::try_from(error as i32) {
        Ok(code) if code >= -1 => Code::Broker(ErrorCode(code)),
        _ => Code::Client(neutral(error)),
    }
}

/// The reason for a refusal by the call: always a neutral word.
pub(super) fn by_call(error: RDKafkaErrorCode) -> ClientError {
    match error {
        // librdkafka uses some of the protocol's codes for its own findings.
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize => ClientError::TooLarge,
        RDKafkaErrorCode::UnknownTopicOrPartition => ClientError::UnknownTopic,
        RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch => ClientError::Fenced,
        _ => neutral(error),
    }
}

/// Whether a request about transactions that failed so has certainly had no effect: a broker refused it, or the client
/// did not make it. Otherwise it was made, and nobody knows what became of it.
pub(super) fn is_certain(error: RDKafkaErrorCode) -> bool {
    match in_callback(error) {
        // A broker's own time-out does not say what it has done by then.
        Code::Broker(code) => code != ErrorCode::REQUEST_TIMED_OUT,
        Code::Client(said) => {
            !matches!(said, ClientError::RequestTimedOut | ClientError::Disconnected | ClientError::Other)
        }
    }
}

fn neutral(error: RDKafkaErrorCode) -> ClientError {
    match error {
        RDKafkaErrorCode::MessageTimedOut => ClientError::Expired,
        RDKafkaErrorCode::QueueFull => ClientError::QueueFull,
        RDKafkaErrorCode::PurgeQueue => ClientError::PurgedQueue,
        RDKafkaErrorCode::PurgeInflight => ClientError::PurgedInFlight,
        RDKafkaErrorCode::UnknownTopic => ClientError::UnknownTopic,
        RDKafkaErrorCode::UnknownPartition => ClientError::UnknownPartition,
        RDKafkaErrorCode::BrokerTransportFailure
        | RDKafkaErrorCode::AllBrokersDown
        | RDKafkaErrorCode::BrokerDestroy => ClientError::Disconnected,
        RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::TimedOutQueue => ClientError::RequestTimedOut,
        RDKafkaErrorCode::Fenced => ClientError::Fenced,
        RDKafkaErrorCode::Fatal | RDKafkaErrorCode::GaplessGuarantee | RDKafkaErrorCode::Inconsistent => {
            ClientError::Fatal
        }
        RDKafkaErrorCode::State | RDKafkaErrorCode::Conflict | RDKafkaErrorCode::PreviousInProgress => {
            ClientError::InvalidState
        }
        RDKafkaErrorCode::NotImplemented | RDKafkaErrorCode::UnsupportedFeature => ClientError::Unsupported,
        _ => ClientError::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_quoted_by_the_protocols_name() {
        let code = in_callback(RDKafkaErrorCode::NotEnoughReplicas);
        assert_eq!(code.to_string(), "NOT_ENOUGH_REPLICAS");
        assert_eq!(in_callback(RDKafkaErrorCode::Unknown).to_string(), "UNKNOWN_SERVER_ERROR");
        assert_eq!(in_callback(RDKafkaErrorCode::MessageSizeTooLarge).to_string(), "MESSAGE_TOO_LARGE");
    }

    #[test]
    fn the_client_is_quoted_in_neutral_words() {
        assert_eq!(in_callback(RDKafkaErrorCode::MessageTimedOut), Code::Client(ClientError::Expired));
        assert_eq!(in_callback(RDKafkaErrorCode::PurgeInflight), Code::Client(ClientError::PurgedInFlight));
    }

    #[test]
    fn a_refusal_by_the_call_is_neutral_whatever_its_number() {
        assert_eq!(by_call(RDKafkaErrorCode::MessageSizeTooLarge), ClientError::TooLarge);
        assert_eq!(by_call(RDKafkaErrorCode::QueueFull), ClientError::QueueFull);
        assert_eq!(by_call(RDKafkaErrorCode::InvalidTopic), ClientError::Other);
    }
}
