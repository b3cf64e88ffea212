//! What befalls the embedded cluster.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::model::{Advance, BrokerNumber, Field, MAX_PARTITIONS, Name, Number};

use super::PartitionNumber;

/// What a broker does.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BrokerStep {
    /// It is stopped as its operator would: where it led, the first replica in sync that runs takes over.
    Stop(Field<BrokerNumber>),
    /// It is started after a stop or a kill, on the port it had.
    Start(Field<BrokerNumber>),
    /// It is stopped and started. Of what each producer has written it remembers the newest batch alone.
    Restart(Field<BrokerNumber>),
    /// It ends as if its process were killed: requests that wait get no answer.
    Kill(Field<BrokerNumber>),
}

/// Who leads a partition from now on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeaderStep {
    /// Of which topic, where there are several.
    pub topic: Field<Name>,
    /// The partition. Default: 0.
    pub partition: Field<PartitionNumber>,
    /// The broker that leads; it has a replica.
    pub to: Field<BrokerNumber>,
    /// Whether it may lead though it is not in sync; what it lacks is lost. Default: false.
    pub unclean: Field<bool>,
}

/// Which replicas of a partition are in sync from now on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IsrStep {
    /// Of which topic, where there are several.
    pub topic: Field<Name>,
    /// The partition. Default: 0.
    pub partition: Field<PartitionNumber>,
    /// The brokers whose replicas are in sync, the leader among them. The others get no records.
    pub replicas: Field<Vec<Field<BrokerNumber>>>,
}

/// Whether followers get what is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationStep {
    /// A replica gets nothing more though it stays in sync, so that the high watermark waits for it. What is held at the
    /// end gets what it lacks before the logs are read.
    Hold(Field<HeldReplica>),
    /// Every replica that was held gets what it lacks.
    Resume,
}

/// A replica that gets nothing more.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeldReplica {
    /// Of which topic, where there are several.
    pub topic: Field<Name>,
    /// The partition. Default: 0.
    pub partition: Field<PartitionNumber>,
    /// The broker that has it.
    pub replica: Field<BrokerNumber>,
}

/// What becomes of a topic.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopicStep {
    /// It is deleted with all that it holds.
    Delete(Field<Name>),
    /// It is created anew, empty and with another id; if it is still there, it is deleted before.
    Recreate(Field<Name>),
    /// Partitions are added to it, as an administrator does: `topic: {grow: {partitions: 4}}`. Clients learn of them when
    /// they ask for metadata the next time.
    Grow(Field<Grow>),
}

/// How a topic grows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grow {
    /// Which, where there are several.
    pub topic: Field<Name>,
    /// How many partitions it has then.
    pub partitions: Field<Number<1, MAX_PARTITIONS>>,
}

/// Where the coordinator of a producer's transactions is from now on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CoordinatorStep {
    /// The broker that it moves to.
    #[serde(rename = "move")]
    pub to: Field<BrokerNumber>,
    /// Whose, where there are several producers.
    pub producer: Field<Name>,
}

/// What becomes of the brokers' clock.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockStep {
    /// It goes ahead at once: idle producers are forgotten, old records removed. The client's own clock does not.
    Advance(Field<Advance>),
}
