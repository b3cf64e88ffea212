//! What a request is about.

use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use crate::broker::topic::Topics;
use crate::kafka::Request;

/// Partitions, topics, transactions, each as a word.
pub(super) fn touches(topics: &Topics, request: &Request) -> Vec<String> {
    let mut words = Vec::new();
    match request {
        Request::Produce(asked) => {
            for topic in &asked.topic_data {
                let name = name(topics, &topic.name, topic.topic_id);
                words.extend(topic.partition_data.iter().map(|row| format!("{name}[{}]", row.index)));
            }
            words.push(format!("acks={}", asked.acks));
        }
        Request::Fetch(asked) => {
            for topic in &asked.topics {
                let name = name(topics, &topic.topic, topic.topic_id);
                let word = |partition, offset| format!("{name}[{partition}]@{offset}");
                words.extend(topic.partitions.iter().map(|row| word(row.partition, row.fetch_offset)));
            }
        }
        Request::ListOffsets(asked) => {
            for topic in &asked.topics {
                let word = |row: i32| format!("{}[{row}]", topic.name.as_str());
                words.extend(topic.partitions.iter().map(|row| word(row.partition_index)));
            }
        }
        Request::Metadata(asked) => {
            let named = asked.topics.iter().flatten();
            words.extend(named.map(|topic| {
                topic.name.as_ref().map_or_else(|| by_id(topics, topic.topic_id), |name| name.to_string())
            }));
        }
        _ => of_topics(topics, request, &mut words),
    }
    words
}

fn of_topics(topics: &Topics, request: &Request, words: &mut Vec<String>) {
    match request {
        Request::CreateTopics(asked) => {
            let word = |name: &TopicName, partitions: i32| format!("{}:{partitions}", name.as_str());
            words.extend(asked.topics.iter().map(|topic| word(&topic.name, topic.num_partitions)));
        }
        Request::DeleteTopics(asked) => {
            words.extend(asked.topic_names.iter().map(|name| name.to_string()));
            words.extend(asked.topics.iter().map(|topic| {
                topic.name.as_ref().map_or_else(|| by_id(topics, topic.topic_id), |name| name.to_string())
            }));
        }
        Request::DescribeConfigs(asked) => {
            words.extend(asked.resources.iter().map(|resource| resource.resource_name.to_string()));
        }
        _ => of_transaction(request, words),
    }
}

fn of_transaction(request: &Request, words: &mut Vec<String>) {
    let transaction = |id: &str| format!("transaction={id}");
    match request {
        Request::InitProducerId(asked) => {
            words.extend(asked.transactional_id.as_ref().map(|id| transaction(id)));
        }
        Request::FindCoordinator(asked) => {
            let one = Some(&asked.key).filter(|key| !key.is_empty());
            words.extend(one.into_iter().chain(&asked.coordinator_keys).map(ToString::to_string));
        }
        Request::AddPartitionsToTxn(asked) => {
            words.push(transaction(&asked.v3_and_below_transactional_id));
            let many = asked.transactions.iter();
            words.extend(many.clone().map(|one| transaction(&one.transactional_id)));
            words.retain(|word| word != "transaction=");
            for topic in asked.v3_and_below_topics.iter().chain(many.flat_map(|one| &one.topics)) {
                words.extend(topic.partitions.iter().map(|row| format!("{}[{row}]", topic.name.as_str())));
            }
        }
        Request::AddOffsetsToTxn(asked) => {
            words
                .extend([transaction(&asked.transactional_id), format!("group={}", asked.group_id.as_str())]);
        }
        Request::EndTxn(asked) => {
            let how = if asked.committed { "commit" } else { "abort" };
            words.extend([transaction(&asked.transactional_id), how.to_owned()]);
        }
        Request::TxnOffsetCommit(asked) => {
            words
                .extend([transaction(&asked.transactional_id), format!("group={}", asked.group_id.as_str())]);
        }
        _ => {}
    }
}

fn name(topics: &Topics, name: &TopicName, id: Uuid) -> String {
    if name.is_empty() { by_id(topics, id) } else { name.to_string() }
}

fn by_id(topics: &Topics, id: Uuid) -> String {
    topics.with_id(id).map_or_else(|| id.to_string(), |topic| topic.name.clone())
}
