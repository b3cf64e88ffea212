//! What a cluster starts with.

use std::net::{Ipv4Addr, SocketAddr};

use crate::broker::node::ClusterState;
use crate::broker::node::emulate::Emulate;
use crate::broker::topic::{NewTopic, TopicError, Topics};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// A topic to start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions, from 1.
    pub partitions: u32,
    /// How many brokers have each partition, from 1 to as many as there are.
    pub replication_factor: u32,
    /// The leaders of the partitions, one for each; none for the usual ones, where partition p is led by broker
    /// (p mod n) + 1. The other replicas are on the brokers that follow.
    pub leaders: Vec<BrokerId>,
    /// Its settings, as Apache Kafka names them.
    pub config: Vec<(String, String)>,
}

impl Default for TopicSpec {
    fn default() -> Self {
        Self { name: String::new(), partitions: 1, replication_factor: 1, leaders: vec![], config: vec![] }
    }
}

/// What a cluster starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// How many brokers, from 1.
    pub brokers: u32,
    /// The Apache Kafka that it behaves as.
    pub emulate: Emulate,
    /// Its topics.
    pub topics: Vec<TopicSpec>,
    /// Where the first broker listens, the others on the ports that follow; with port 0 the system chooses each.
    pub listen: SocketAddr,
    /// Whether a client that asks for an unknown topic gets it created (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
}

impl Default for ClusterSpec {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let emulate = Emulate::default();
        Self { brokers: 1, emulate, topics: vec![], listen, auto_create_topics: true }
    }
}

impl TopicSpec {
    /// Whether Apache Kafka would create it: its name and its settings.
    pub fn check(&self) -> Result<(), TopicError> {
        Topics::default().check(&self.name, &self.config).map(drop)
    }

    fn on(&self, replicas: Vec<Vec<BrokerId>>) -> NewTopic {
        NewTopic { name: self.name.clone(), replicas, settings: self.config.clone() }
    }

    /// The topic on the brokers of a cluster.
    pub(super) fn placed(&self, cluster: &ClusterState) -> Result<NewTopic, TopicError> {
        let refused = |code, message: String| Err(TopicError::new(code, message));
        let brokers = cluster.endpoints.len();
        let factor = self.replication_factor as usize;
        if !(1..=brokers).contains(&factor) {
            let message = format!("a replication factor of {factor} is impossible with {brokers} broker(s)");
            return refused(ErrorCode::INVALID_REPLICATION_FACTOR, message);
        }
        if self.leaders.is_empty() {
            return Ok(self.on(cluster.assign(self.partitions as usize, factor)));
        }
        if self.leaders.len() != self.partitions as usize {
            let message = format!("{} leaders for {} partition(s)", self.leaders.len(), self.partitions);
            return refused(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message);
        }
        let mut replicas = Vec::with_capacity(self.leaders.len());
        for leader in &self.leaders {
            let ring = cluster.endpoints.iter().map(|endpoint| endpoint.id).cycle();
            let of: Vec<_> = ring.take(2 * brokers).skip_while(|id| id != leader).take(factor).collect();
            if of.is_empty() {
                let message = format!("there is no broker {leader}: the cluster has 1 to {brokers}");
                return refused(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message);
            }
            replicas.push(of);
        }
        Ok(self.on(replicas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::node::Endpoint;

    fn cluster(brokers: i32) -> ClusterState {
        let endpoint = |id| Endpoint { id: BrokerId(id), host: "localhost".to_owned(), port: 9092 };
        ClusterState::new((1..=brokers).map(endpoint).collect(), true, Emulate::default())
    }

    fn placed(spec: &TopicSpec, brokers: i32) -> Result<Vec<Vec<i32>>, String> {
        let spec = TopicSpec { name: "orders".to_owned(), ..spec.clone() };
        let numbers = |replicas: Vec<BrokerId>| replicas.into_iter().map(|broker| broker.0).collect();
        let placed = spec.placed(&cluster(brokers)).map_err(|error| error.to_string())?;
        Ok(placed.replicas.into_iter().map(numbers).collect())
    }

    #[test]
    fn partitions_start_on_one_broker_after_the_other_with_their_replicas_on_those_that_follow() {
        let spec = TopicSpec { partitions: 4, replication_factor: 2, ..TopicSpec::default() };
        assert_eq!(placed(&spec, 3).unwrap(), [[1, 2], [2, 3], [3, 1], [1, 2]]);
        assert_eq!(placed(&TopicSpec { replication_factor: 1, ..spec }, 1).unwrap(), [[1]; 4]);
    }

    #[test]
    fn leaders_can_be_chosen() {
        let leaders = vec![BrokerId(1), BrokerId(3), BrokerId(1)];
        let spec = TopicSpec { partitions: 3, replication_factor: 2, leaders, ..TopicSpec::default() };
        assert_eq!(placed(&spec, 3).unwrap(), [[1, 2], [3, 1], [1, 2]]);
        assert!(placed(&TopicSpec { partitions: 2, ..spec.clone() }, 3).is_err());
        let error = placed(&TopicSpec { leaders: vec![BrokerId(4); 3], ..spec }, 3).unwrap_err();
        assert_eq!(error, "there is no broker 4: the cluster has 1 to 3");
    }

    #[test]
    fn more_replicas_than_brokers_cannot_be() {
        for replication_factor in [0, 2] {
            let spec = TopicSpec { replication_factor, ..TopicSpec::default() };
            assert!(placed(&spec, 1).unwrap_err().starts_with("a replication factor of"));
        }
    }
}
