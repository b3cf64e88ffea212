//! Which error a broker can answer to which request, whether the request has had its effect then, and what must be so
//! for that. A pair that no broker can produce is refused where the scenario shows it, and on the wire otherwise.
//!
//! Produce: `KafkaApis.handleProduceRequest`, `ReplicaManager`, `UnifiedLog` and `LogValidator` of Apache Kafka 4.x. The
//! others: `KafkaApis`, `TransactionCoordinator` and `TransactionStateManager.appendTransactionToLog`, which turns a
//! failed write of its own log into `COORDINATOR_NOT_AVAILABLE` or `NOT_COORDINATOR`, whatever came of that write.

use kafka_protocol::messages::ApiKey;

use crate::kafka::ErrorCode as Error;

/// Whether a request has had its effect: for Produce whether it was appended, for the others whether it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It has not.
    Before,
    /// It has.
    After,
}

/// With which phases a code goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phases {
    /// This one alone.
    Only(Phase),
    /// Either, so it must be said.
    Either,
}

/// What must be so for a broker to answer a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A version of the API from this one on.
    Version(i16),
    /// `acks=all`.
    AcksAll,
    /// `acks=all`, if it comes after the append.
    AcksAllAfter,
    /// A topic with two replicas or more: the effective minimum is
    /// `min(min.insync.replicas, replication factor)`.
    Replicas,
    /// A producer id.
    ProducerId,
    /// A transactional producer.
    Transactional,
    /// It is answered for every part of the request.
    Whole,
}

/// A code that a broker can answer to an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Possible {
    /// The code.
    pub code: Error,
    /// With which phases.
    pub phases: Phases,
    /// What must be so.
    pub needs: &'static [Need],
}

/// What is known of a request, or of all requests that a fault can take. What is not known is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The version of the API.
    pub version: Option<i16>,
    /// −1 for all, else 0 or 1.
    pub acks: Option<i16>,
    /// The fewest replicas of the topics that are matched.
    pub replicas: Option<u32>,
    /// Whether the records carry a producer id.
    pub producer_id: Option<bool>,
    /// Whether the producer writes in transactions.
    pub transactional: Option<bool>,
    /// Whether all parts of the request are taken.
    pub whole: Option<bool>,
}

const BEFORE: Phases = Phases::Only(Phase::Before);
const AFTER: Phases = Phases::Only(Phase::After);

const fn possible(code: Error, phases: Phases, needs: &'static [Need]) -> Possible {
    Possible { code, phases, needs }
}

const fn before(code: Error) -> Possible {
    possible(code, BEFORE, &[])
}

const fn either(code: Error) -> Possible {
    possible(code, Phases::Either, &[])
}

/// Produce.
static PRODUCE: &[Possible] = &[
    before(Error::CORRUPT_MESSAGE),
    before(Error::MESSAGE_TOO_LARGE),
    before(Error::INVALID_TOPIC_EXCEPTION),
    before(Error::RECORD_LIST_TOO_LARGE),
    possible(Error::NOT_ENOUGH_REPLICAS, BEFORE, &[Need::AcksAll, Need::Replicas]),
    possible(Error::INVALID_REQUIRED_ACKS, BEFORE, &[Need::Whole]),
    before(Error::TOPIC_AUTHORIZATION_FAILED),
    before(Error::INVALID_TIMESTAMP),
    possible(Error::OUT_OF_ORDER_SEQUENCE_NUMBER, BEFORE, &[Need::ProducerId]),
    possible(Error::INVALID_PRODUCER_EPOCH, BEFORE, &[Need::ProducerId]),
    possible(Error::INVALID_TXN_STATE, BEFORE, &[Need::ProducerId]),
    possible(Error::INVALID_PRODUCER_ID_MAPPING, BEFORE, &[Need::Transactional, Need::Whole]),
    possible(Error::CONCURRENT_TRANSACTIONS, BEFORE, &[Need::Version(12), Need::Transactional]),
    possible(Error::TRANSACTIONAL_ID_AUTHORIZATION_FAILED, BEFORE, &[Need::Transactional, Need::Whole]),
    before(Error::UNSUPPORTED_COMPRESSION_TYPE),
    before(Error::INVALID_RECORD),
    possible(Error::UNKNOWN_TOPIC_ID, BEFORE, &[Need::Version(13)]),
    possible(Error::TRANSACTION_ABORTABLE, BEFORE, &[Need::Version(11), Need::Transactional]),
    possible(Error::UNKNOWN_PRODUCER_ID, BEFORE, &[Need::ProducerId]),
    possible(Error::REQUEST_TIMED_OUT, AFTER, &[Need::AcksAll, Need::Replicas]),
    possible(Error::NOT_ENOUGH_REPLICAS_AFTER_APPEND, AFTER, &[Need::AcksAll, Need::Replicas]),
    possible(Error::NOT_LEADER_OR_FOLLOWER, Phases::Either, &[Need::AcksAllAfter]),
    either(Error::KAFKA_STORAGE_ERROR),
    either(Error::UNKNOWN_SERVER_ERROR),
    possible(Error::UNKNOWN_TOPIC_OR_PARTITION, Phases::Either, &[Need::AcksAllAfter]),
];

/// Codes that look as if they belonged to Produce, and why Kafka 4 never answers them there.
static NEVER_PRODUCE: &[(Error, &str)] = &[
    (Error::DUPLICATE_SEQUENCE_NUMBER, "a duplicate is answered as a success"),
    (Error::PRODUCER_FENCED, "a stale epoch is answered INVALID_PRODUCER_EPOCH since 2.7"),
    (Error::CLUSTER_AUTHORIZATION_FAILED, "idempotent writes need no right of their own since 2.8"),
];

/// Metadata: what can stand beside a topic.
static METADATA: &[Possible] = &[
    before(Error::UNKNOWN_TOPIC_OR_PARTITION),
    before(Error::LEADER_NOT_AVAILABLE),
    before(Error::INVALID_TOPIC_EXCEPTION),
    before(Error::TOPIC_AUTHORIZATION_FAILED),
    before(Error::INVALID_REPLICATION_FACTOR),
    possible(Error::UNKNOWN_TOPIC_ID, BEFORE, &[Need::Version(10)]),
    before(Error::UNKNOWN_SERVER_ERROR),
];

static FIND_COORDINATOR: &[Possible] = &[
    before(Error::COORDINATOR_NOT_AVAILABLE),
    before(Error::COORDINATOR_LOAD_IN_PROGRESS),
    before(Error::GROUP_AUTHORIZATION_FAILED),
    before(Error::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    before(Error::INVALID_REQUEST),
    before(Error::UNKNOWN_SERVER_ERROR),
];

/// `REQUEST_TIMED_OUT`: no block of producer ids could be had in time (KAFKA-14417).
static INIT_PRODUCER_ID: &[Possible] = &[
    before(Error::REQUEST_TIMED_OUT),
    before(Error::COORDINATOR_LOAD_IN_PROGRESS),
    either(Error::COORDINATOR_NOT_AVAILABLE),
    either(Error::NOT_COORDINATOR),
    before(Error::CLUSTER_AUTHORIZATION_FAILED),
    possible(Error::CONCURRENT_TRANSACTIONS, BEFORE, &[Need::Transactional]),
    possible(Error::TRANSACTIONAL_ID_AUTHORIZATION_FAILED, BEFORE, &[Need::Transactional]),
    possible(Error::INVALID_TRANSACTION_TIMEOUT, BEFORE, &[Need::Transactional]),
    possible(Error::INVALID_PRODUCER_EPOCH, BEFORE, &[Need::Transactional]),
    possible(Error::INVALID_PRODUCER_ID_MAPPING, BEFORE, &[Need::Transactional]),
    possible(Error::PRODUCER_FENCED, BEFORE, &[Need::Version(4), Need::Transactional]),
    before(Error::INVALID_REQUEST),
    either(Error::UNKNOWN_SERVER_ERROR),
];

/// `AddPartitionsToTxn` and `AddOffsetsToTxn`; the latter is about a group besides.
static ADD_TO_TXN: &[Possible] = &[
    before(Error::COORDINATOR_LOAD_IN_PROGRESS),
    either(Error::COORDINATOR_NOT_AVAILABLE),
    either(Error::NOT_COORDINATOR),
    before(Error::CONCURRENT_TRANSACTIONS),
    before(Error::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    before(Error::INVALID_TXN_STATE),
    before(Error::INVALID_PRODUCER_EPOCH),
    before(Error::INVALID_PRODUCER_ID_MAPPING),
    possible(Error::PRODUCER_FENCED, BEFORE, &[Need::Version(2)]),
    before(Error::UNKNOWN_TOPIC_OR_PARTITION),
    before(Error::TOPIC_AUTHORIZATION_FAILED),
    before(Error::GROUP_AUTHORIZATION_FAILED),
    before(Error::OPERATION_NOT_ATTEMPTED),
    possible(Error::TRANSACTION_ABORTABLE, BEFORE, &[Need::Version(4)]),
    either(Error::UNKNOWN_SERVER_ERROR),
];

static TXN_OFFSET_COMMIT: &[Possible] = &[
    before(Error::COORDINATOR_LOAD_IN_PROGRESS),
    either(Error::COORDINATOR_NOT_AVAILABLE),
    either(Error::NOT_COORDINATOR),
    before(Error::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    before(Error::GROUP_AUTHORIZATION_FAILED),
    before(Error::TOPIC_AUTHORIZATION_FAILED),
    before(Error::UNKNOWN_TOPIC_OR_PARTITION),
    before(Error::INVALID_PRODUCER_EPOCH),
    before(Error::INVALID_PRODUCER_ID_MAPPING),
    before(Error::INVALID_TXN_STATE),
    before(Error::ILLEGAL_GENERATION),
    before(Error::UNKNOWN_MEMBER_ID),
    before(Error::FENCED_INSTANCE_ID),
    before(Error::INVALID_GROUP_ID),
    before(Error::OFFSET_METADATA_TOO_LARGE),
    before(Error::INVALID_COMMIT_OFFSET_SIZE),
    possible(Error::TRANSACTION_ABORTABLE, BEFORE, &[Need::Version(4)]),
    either(Error::UNKNOWN_SERVER_ERROR),
];

static END_TXN: &[Possible] = &[
    before(Error::COORDINATOR_LOAD_IN_PROGRESS),
    either(Error::COORDINATOR_NOT_AVAILABLE),
    either(Error::NOT_COORDINATOR),
    before(Error::CONCURRENT_TRANSACTIONS),
    before(Error::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    before(Error::INVALID_TXN_STATE),
    before(Error::INVALID_PRODUCER_EPOCH),
    before(Error::INVALID_PRODUCER_ID_MAPPING),
    possible(Error::PRODUCER_FENCED, BEFORE, &[Need::Version(2)]),
    possible(Error::TRANSACTION_ABORTABLE, BEFORE, &[Need::Version(4)]),
    either(Error::UNKNOWN_SERVER_ERROR),
];

static API_VERSIONS: &[Possible] = &[before(Error::UNSUPPORTED_VERSION), before(Error::INVALID_REQUEST)];

/// The codes that a broker can answer to an API; none for one that a fault cannot name.
pub fn of(api: ApiKey) -> &'static [Possible] {
    match api {
        ApiKey::Produce => PRODUCE,
        ApiKey::Metadata => METADATA,
        ApiKey::FindCoordinator => FIND_COORDINATOR,
        ApiKey::InitProducerId => INIT_PRODUCER_ID,
        ApiKey::AddPartitionsToTxn | ApiKey::AddOffsetsToTxn => ADD_TO_TXN,
        ApiKey::TxnOffsetCommit => TXN_OFFSET_COMMIT,
        ApiKey::EndTxn => END_TXN,
        ApiKey::ApiVersions => API_VERSIONS,
        _ => &[],
    }
}

/// With which phases a code goes as an answer to an API; or why no broker answers it.
pub fn phases(api: ApiKey, code: Error) -> Result<Phases, String> {
    find(api, code).map(|possible| possible.phases)
}

/// Why no broker answers a code in that phase to a request of which this is known; none if one can, as far as is known.
pub fn refusal(api: ApiKey, code: Error, phase: Phase, facts: &Facts) -> Option<String> {
    let possible = match find(api, code) {
        Ok(possible) => possible,
        Err(why) => return Some(why),
    };
    let effect = if api == ApiKey::Produce { "append" } else { "request is applied" };
    match possible.phases {
        Phases::Only(only) if only != phase => {
            let place = if only == Phase::Before { "before" } else { "after" };
            return Some(format!("a broker answers {code} only {place} the {effect}"));
        }
        _ => {}
    }
    possible.needs.iter().find_map(|need| need.lacks(code, phase, facts))
}

fn find(api: ApiKey, code: Error) -> Result<&'static Possible, String> {
    if let Some(possible) = of(api).iter().find(|possible| possible.code == code) {
        return Ok(possible);
    }
    let never = NEVER_PRODUCE.iter().find(|(never, _)| api == ApiKey::Produce && *never == code);
    Err(match never {
        Some((_, why)) => format!("Apache Kafka 4 never answers {code} to {api:?}: {why}"),
        None => format!("no broker answers {code} to {api:?}"),
    })
}

impl Need {
    fn lacks(self, code: Error, phase: Phase, facts: &Facts) -> Option<String> {
        let acks_all = facts.acks.is_some_and(|acks| acks != -1).then(|| {
            let when = if self == Self::AcksAllAfter { " after the append" } else { "" };
            format!("{code}{when} needs acks=all")
        });
        match self {
            Self::Version(from) => {
                let version = facts.version.filter(|version| *version < from)?;
                Some(format!(
                    "{code} exists from version {from} of the API on, and this is version {version}"
                ))
            }
            Self::AcksAll => acks_all,
            Self::AcksAllAfter => acks_all.filter(|_| phase == Phase::After),
            Self::Replicas => facts
                .replicas
                .filter(|replicas| *replicas < 2)
                .map(|_| format!("{code} needs a topic with two replicas or more")),
            Self::ProducerId => (facts.producer_id == Some(false))
                .then(|| format!("{code} needs a producer id: an idempotent or transactional producer")),
            Self::Transactional => {
                (facts.transactional == Some(false)).then(|| format!("{code} needs a transactional producer"))
            }
            Self::Whole => (facts.whole == Some(false))
                .then(|| format!("a broker answers {code} for every partition of a request or for none")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Facts = Facts {
        version: Some(9),
        acks: Some(1),
        replicas: Some(1),
        producer_id: Some(false),
        transactional: Some(false),
        whole: Some(true),
    };

    fn produce(code: Error, phase: Phase, facts: &Facts) -> Option<String> {
        refusal(ApiKey::Produce, code, phase, facts)
    }

    #[test]
    fn the_table_of_produce_is_that_of_the_design() {
        let codes = |phases: Phases| {
            let mut codes: Vec<_> =
                PRODUCE.iter().filter(|row| row.phases == phases).map(|row| row.code.0).collect();
            codes.sort_unstable();
            codes
        };
        let before = [2, 10, 17, 18, 19, 21, 29, 32, 45, 47, 48, 49, 51, 53, 59, 76, 87, 100, 120];
        assert_eq!(codes(BEFORE), before);
        assert_eq!(codes(AFTER), [7, 20]);
        assert_eq!(codes(Phases::Either), [-1, 3, 6, 56]);
        for code in [46, 90, 31] {
            let why = phases(ApiKey::Produce, Error(code)).unwrap_err();
            assert!(why.contains("never answers"), "{why}");
        }
    }

    #[test]
    fn what_a_code_is_bound_to_is_asked_for_only_as_far_as_it_is_known() {
        let unknown = Facts::default();
        assert_eq!(produce(Error::REQUEST_TIMED_OUT, Phase::After, &unknown), None);
        let why = produce(Error::REQUEST_TIMED_OUT, Phase::After, &PLAIN).unwrap();
        assert_eq!(why, "REQUEST_TIMED_OUT needs acks=all");
        let all = Facts { acks: Some(-1), ..PLAIN };
        let why = produce(Error::REQUEST_TIMED_OUT, Phase::After, &all).unwrap();
        assert_eq!(why, "REQUEST_TIMED_OUT needs a topic with two replicas or more");
        assert_eq!(
            produce(Error::REQUEST_TIMED_OUT, Phase::After, &Facts { replicas: Some(3), ..all }),
            None
        );
        assert_eq!(produce(Error::NOT_LEADER_OR_FOLLOWER, Phase::Before, &PLAIN), None);
        assert!(produce(Error::NOT_LEADER_OR_FOLLOWER, Phase::After, &PLAIN).is_some());
        assert!(produce(Error::CORRUPT_MESSAGE, Phase::After, &PLAIN).is_some());
        assert!(produce(Error::OUT_OF_ORDER_SEQUENCE_NUMBER, Phase::Before, &PLAIN).is_some());
        assert!(produce(Error::UNKNOWN_TOPIC_ID, Phase::Before, &PLAIN).is_some());
        let part = Facts { whole: Some(false), ..PLAIN };
        assert!(produce(Error::INVALID_REQUIRED_ACKS, Phase::Before, &part).is_some());
    }

    #[test]
    fn no_code_stands_twice_in_a_table() {
        for (_, api) in crate::fault::ApiFilter::NAMED {
            let crate::fault::ApiFilter::Api(api) = api else { continue };
            let mut codes: Vec<_> = of(*api).iter().map(|row| row.code).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), of(*api).len(), "{api:?}");
            assert!(!codes.is_empty());
        }
    }
}
