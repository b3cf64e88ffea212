//! Deleting topics.

use std::sync::Arc;

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use tokio::time::Instant;

use crate::cluster::connection::{CallError, Connection, Dial};
use crate::cluster::topics::topic_name;
use crate::cluster::{Cluster, ClusterError};
use crate::kafka::ErrorCode;

/// The first version that names topics one by one, so that an id could stand there instead.
const ONE_BY_ONE: i16 = 6;

/// The cluster did not delete a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("topic '{topic}' was not deleted: {code}")]
pub struct TopicKept {
    /// Its name.
    pub topic: Arc<str>,
    /// Why; `UNKNOWN_TOPIC_OR_PARTITION` if it was not there.
    pub code: ErrorCode,
}

impl<D: Dial> Cluster<D> {
    /// Deletes topics with all that is in them. One result for each, in their order.
    pub async fn delete_topics(
        &mut self,
        names: &[Arc<str>],
        deadline: Instant,
    ) -> Result<Vec<Result<(), TopicKept>>, ClusterError> {
        let home = self.home(deadline).await?;
        let home_address = home.address().clone();
        let mut deleted = self.delete_at(home, names, deadline).await?;
        let controller = self.brokers.get(&self.controller).filter(|address| **address != home_address);
        let elsewhere = deleted.responses.iter().any(|row| row.error_code == ErrorCode::NOT_CONTROLLER.0);
        if let (Some(controller), true) = (controller.cloned(), elsewhere) {
            // Before KRaft only the controller deleted topics.
            let controller = self.to(&controller, deadline).await?;
            deleted = self.delete_at(controller, names, deadline).await?;
        }
        for name in names {
            self.topics.remove(name);
        }
        Ok(names.iter().map(|name| outcome(name, &deleted)).collect())
    }

    async fn delete_at(
        &mut self,
        mut broker: Connection<D::Stream>,
        names: &[Arc<str>],
        deadline: Instant,
    ) -> Result<DeleteTopicsResponse, CallError> {
        let version = broker.version::<DeleteTopicsRequest>()?;
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        let request = DeleteTopicsRequest::default().with_timeout_ms(i32::try_from(left).unwrap_or(i32::MAX));
        let request = if version >= ONE_BY_ONE {
            let topic = |name: &Arc<str>| DeleteTopicState::default().with_name(Some(topic_name(name)));
            request.with_topics(names.iter().map(topic).collect())
        } else {
            request.with_topic_names(names.iter().map(|name| topic_name(name)).collect())
        };
        let asked = broker.send(&request, version, deadline).await?;
        let answer = broker.receive(asked, deadline).await?;
        self.keep(broker);
        Ok(answer)
    }
}

fn outcome(topic: &Arc<str>, deleted: &DeleteTopicsResponse) -> Result<(), TopicKept> {
    let is_it = |name: &str| *name == **topic;
    let row = deleted.responses.iter().find(|row| row.name.as_ref().is_some_and(|name| is_it(name)));
    match row.map_or(ErrorCode::UNKNOWN_SERVER_ERROR, |row| ErrorCode(row.error_code)) {
        ErrorCode::NONE => Ok(()),
        code => Err(TopicKept { topic: topic.clone(), code }),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ApiKey;
    use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;

    use super::*;
    use crate::cluster::scripted::{Fake, Reply, address, soon};
    use crate::kafka::{Incoming, Request};

    #[tokio::test(start_paused = true)]
    async fn each_topic_has_its_own_answer_in_every_version() {
        for version in [1, 5, 6] {
            let mut fake = Fake::new(1);
            fake.versions.insert(ApiKey::DeleteTopics as i16, (version, version));
            let answer = |_: &crate::cluster::Address, incoming: &Incoming| {
                let Request::DeleteTopics(asked) = &incoming.request else { return None };
                let named =
                    asked.topics.iter().filter_map(|topic| topic.name.as_ref()).chain(&asked.topic_names);
                assert_eq!(named.map(|name| name.to_string()).collect::<Vec<_>>(), ["a", "b", "c"]);
                let row = |name: &str, code| {
                    DeletableTopicResult::default().with_name(Some(topic_name(name))).with_error_code(code)
                };
                let rows = vec![row("b", 3), row("a", 0)];
                Some(Reply::to(incoming, &DeleteTopicsResponse::default().with_responses(rows)))
            };
            let (dial, _fake) = fake.hook(answer).start();
            let mut cluster = Cluster::connect(dial, &[address(1)], soon()).await.unwrap();
            let results = cluster.delete_topics(&["a".into(), "b".into(), "c".into()], soon()).await.unwrap();
            assert_eq!(results[0], Ok(()));
            let codes = results.iter().map(|result| result.as_ref().err().map(|kept| kept.code.0));
            assert_eq!(codes.collect::<Vec<_>>(), [None, Some(3), Some(-1)]);
            let kept = results[1].as_ref().unwrap_err();
            assert_eq!(kept.to_string(), "topic 'b' was not deleted: UNKNOWN_TOPIC_OR_PARTITION");
        }
    }
}
