//! `DeleteTopics` (`ControllerApis.deleteTopics`).

use std::collections::HashSet;
use std::hash::Hash;

use indexmap::IndexMap;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::broker::node::{ClusterState, Node};
use crate::kafka::ErrorCode;

/// Errors first, then what is deleted.
pub(super) fn handle(node: &Node, request: &DeleteTopicsRequest) -> DeleteTopicsResponse {
    let mut rows = vec![];
    let (names, ids) = sorted(request, &mut rows);
    if request.timeout_ms <= 0 && !(names.once.is_empty() && ids.once.is_empty()) {
        return late(request);
    }
    for name in &names.twice {
        rows.push(invalid(Some(name), Uuid::nil(), "Duplicate topic name."));
    }
    for id in &ids.twice {
        rows.push(invalid(None, *id, "Duplicate topic id."));
    }
    let mut found = IndexMap::new();
    let mut named_twice: HashSet<Uuid> = ids.twice;
    let topics = node.cluster.topics();
    for id in ids.once {
        match topics.with_id(id) {
            Some(topic) => drop(found.insert(id, TopicName(StrBytes::from_string(topic.name.clone())))),
            None => rows.push(row(None, id, ErrorCode::UNKNOWN_TOPIC_ID, Some(UNKNOWN_ID))),
        }
    }
    for name in names.once {
        let unknown = || row(Some(&name), Uuid::nil(), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, Some(UNKNOWN));
        let Some(topic) = topics.named(&name) else {
            rows.push(unknown());
            continue;
        };
        if named_twice.contains(&topic.id) || found.insert(topic.id, name.clone()).is_some() {
            named_twice.insert(topic.id);
            found.shift_remove(&topic.id);
            let message = "The provided topic name maps to an ID that was already supplied.";
            rows.push(invalid(Some(&name), topic.id, message));
        }
    }
    drop(topics);
    let deleted = found.into_iter().map(|(id, name)| delete(&node.cluster, id, &name));
    rows.extend(deleted);
    node.cluster.announce();
    DeleteTopicsResponse::default().with_responses(rows)
}

/// The time is over before the controller looks at it (`KafkaEventQueue`, `DeleteTopicsRequest.getErrorResponse`). Where
/// all is wrong by itself it is not asked (`QuorumController.findTopicIds`, `findTopicNames`).
fn late(request: &DeleteTopicsRequest) -> DeleteTopicsResponse {
    let late = |name, id| row(name, id, ErrorCode::REQUEST_TIMED_OUT, None);
    let named = request.topic_names.iter().map(|name| late(Some(name), Uuid::nil()));
    let states = request.topics.iter().map(|topic| late(topic.name.as_ref(), topic.topic_id));
    DeleteTopicsResponse::default().with_responses(named.chain(states).collect())
}

/// What is asked for once, and what more often.
#[derive(Default)]
struct Asked<T> {
    once: Vec<T>,
    twice: HashSet<T>,
}

impl<T: Clone + Eq + Hash> Asked<T> {
    fn add(&mut self, wanted: &T) {
        if self.twice.contains(wanted) {
            return;
        }
        match self.once.iter().position(|known| known == wanted) {
            Some(at) => drop(self.twice.insert(self.once.swap_remove(at))),
            None => self.once.push(wanted.clone()),
        }
    }
}

/// Names and ids; what has both or neither is an error.
fn sorted(
    request: &DeleteTopicsRequest,
    rows: &mut Vec<DeletableTopicResult>,
) -> (Asked<TopicName>, Asked<Uuid>) {
    let (mut names, mut ids) = (Asked { once: vec![], twice: HashSet::new() }, Asked::default());
    request.topic_names.iter().for_each(|name| names.add(name));
    for topic in &request.topics {
        match (&topic.name, topic.topic_id.is_nil()) {
            (None, true) => {
                rows.push(invalid(None, Uuid::nil(), "Neither topic name nor id were specified."));
            }
            (None, false) => ids.add(&topic.topic_id),
            (Some(name), true) => names.add(name),
            (Some(name), false) => {
                let message = "You may not specify both topic name and topic id.";
                rows.push(invalid(Some(name), topic.topic_id, message));
            }
        }
    }
    (names, ids)
}

/// In the words of Java's `Errors`.
const UNKNOWN: &str = "This server does not host this topic-partition.";
const UNKNOWN_ID: &str = "This server does not host this topic ID.";

fn delete(cluster: &ClusterState, id: Uuid, name: &TopicName) -> DeletableTopicResult {
    match cluster.topics_mut().delete(name) {
        Some(_) => row(Some(name), id, ErrorCode::NONE, None),
        // Somebody else was faster.
        None => row(Some(name), id, ErrorCode::UNKNOWN_TOPIC_ID, Some(UNKNOWN_ID)),
    }
}

fn invalid(name: Option<&TopicName>, id: Uuid, message: &'static str) -> DeletableTopicResult {
    row(name, id, ErrorCode::INVALID_REQUEST, Some(message))
}

fn row(
    name: Option<&TopicName>,
    id: Uuid,
    code: ErrorCode,
    message: Option<&'static str>,
) -> DeletableTopicResult {
    DeletableTopicResult::default()
        .with_name(name.cloned())
        .with_topic_id(id)
        .with_error_code(code.0)
        .with_error_message(message.map(StrBytes::from_static_str))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::delete_topics_request::DeleteTopicState;

    use super::*;
    use crate::broker::connection::wire::{Bench, batch, name};

    fn state(topic: Option<&str>, id: Uuid) -> DeleteTopicState {
        DeleteTopicState::default().with_name(topic.map(name)).with_topic_id(id)
    }

    fn codes(response: &DeleteTopicsResponse) -> Vec<(Option<&str>, ErrorCode)> {
        let of = |row: &DeletableTopicResult| ErrorCode(row.error_code);
        response.responses.iter().map(|row| (row.name.as_ref().map(|name| name.as_str()), of(row))).collect()
    }

    #[tokio::test]
    async fn every_version_deletes_by_name_and_the_last_by_id() {
        for version in 1..=6 {
            let mut bench = Bench::new("orders", &[]);
            let id = bench.create("others", &[]);
            let mut client = bench.connect();
            let names = if version < 6 { vec![name("orders"), name("nowhere")] } else { vec![] };
            let states = [state(None, id), state(Some("orders"), Uuid::nil()), state(None, Uuid::max())];
            let states = if version < 6 { vec![] } else { states.to_vec() };
            let request = DeleteTopicsRequest::default()
                .with_timeout_ms(1_000)
                .with_topic_names(names)
                .with_topics(states);
            let response = client.call(version, &request).await;
            let expected = if version < 6 {
                vec![
                    (Some("nowhere"), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
                    (Some("orders"), ErrorCode::NONE),
                ]
            } else {
                vec![
                    (None, ErrorCode::UNKNOWN_TOPIC_ID),
                    (Some("others"), ErrorCode::NONE),
                    (Some("orders"), ErrorCode::NONE),
                ]
            };
            assert_eq!(codes(&response), expected, "v{version}");
            assert_eq!(response.responses[0].error_message.is_some(), version >= 5);
            let gone = client.produce(9, 1, batch(b"value")).await;
            assert_eq!(ErrorCode(gone.error_code), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        }
    }

    #[tokio::test]
    async fn what_is_asked_for_in_two_ways_is_refused_and_kept() {
        let mut bench = Bench::new("orders", &[]);
        let id = bench.node.cluster.topics().named("orders").unwrap().id;
        let orders = state(Some("orders"), Uuid::nil());
        for (states, expected) in [
            (vec![state(Some("orders"), id)], vec![ErrorCode::INVALID_REQUEST]),
            (vec![state(None, Uuid::nil())], vec![ErrorCode::INVALID_REQUEST]),
            (vec![orders.clone(); 3], vec![ErrorCode::INVALID_REQUEST]),
            (vec![state(None, id); 2], vec![ErrorCode::INVALID_REQUEST]),
            (vec![state(None, id), orders.clone()], vec![ErrorCode::INVALID_REQUEST]),
            (vec![state(None, id), state(None, id), orders], vec![ErrorCode::INVALID_REQUEST; 2]),
        ] {
            let request = DeleteTopicsRequest::default().with_timeout_ms(1_000).with_topics(states);
            let response = bench.connect().call(6, &request).await;
            let found: Vec<_> = codes(&response).into_iter().map(|(_, code)| code).collect();
            assert_eq!(found, expected);
        }
        assert!(bench.node.cluster.topics().named("orders").is_some());
    }
}
