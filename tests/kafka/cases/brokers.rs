//! What any of three brokers answers for the cluster.

use super::Theme;
use super::order::good;
use crate::fields;
use crate::session::Session;
use crate::wire::Value;

/// `InitProducerId` without a transaction.
fn id(k: &mut Session<'_>, broker: usize) -> i64 {
    k.broker(broker);
    k.call("InitProducerId", 4, fields! {}).get("producer_id").int()
}

fn describe(k: &mut Session<'_>, kind: i8, name: &str, keys: &[&str]) {
    let keys: Vec<_> = keys.iter().map(|key| Value::from(*key)).collect();
    let resource = fields! { resource_type: kind, resource_name: name, configuration_keys: keys };
    k.call("DescribeConfigs", 4, fields! { resources: vec![resource], include_synonyms: true });
}

pub(super) fn add(theme: &mut Theme) {
    for version in 0..=2 {
        theme.case(format!("DescribeCluster of version {version} at each broker"), move |k| {
            for broker in 1..=3 {
                k.broker(broker);
                k.call("DescribeCluster", version, fields! {});
            }
        });
    }
    theme.case("DescribeCluster while a broker is away", |k| {
        k.placed("~t", &[&[1, 3], &[3, 2]], &[]);
        k.stop(3);
        k.stands("~t", 1, 2, &[2]);
        k.broker(2);
        k.call("DescribeCluster", 1, fields! {});
        k.call("DescribeCluster", 2, fields! { include_fenced_brokers: true });
        let topics = Value::List(vec![fields! { name: "~t" }]);
        for version in [4, 5, 12] {
            k.call("Metadata", version, fields! { topics: topics.clone() });
        }
    });
    theme.case("settings of a topic at each broker, of a broker at itself", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[("min.insync.replicas", "2"), ("retention.ms", "7")]);
        for broker in 1..=3 {
            k.broker(broker);
            describe(k, 2, "~t", &["min.insync.replicas", "retention.ms", "no.such"]);
            describe(k, 4, "2", &["no.such"]);
            describe(k, 4, "9", &["no.such"]);
            describe(k, 8, "1", &["no.such"]);
        }
    });
    theme.case("DeleteTopics at any broker", |k| {
        for (broker, topic) in [(2, "~t2"), (3, "~t3")] {
            k.placed(topic, &[&[1, 2, 3], &[2, 3, 1]], &[]);
            k.broker(broker);
            k.call("DeleteTopics", 5, fields! { topic_names: vec![topic] });
            k.forgotten(topic);
            for other in 1..=3 {
                k.broker(other);
                k.one(9, 1, topic, good());
            }
        }
        k.call("DeleteTopics", 5, fields! { topic_names: vec!["~t2"] });
    });
    theme.case("a topic that is created anew has another id", |k| {
        k.placed("~t", &[&[2, 3]], &[]);
        k.broker(2);
        k.one(13, -1, "~t", good());
        k.call("DeleteTopics", 5, fields! { topic_names: vec!["~t"] });
        k.forgotten("~t");
        k.one(13, -1, "~t", good());
        k.placed("~t", &[&[3, 2]], &[]);
        k.one(13, -1, "~t", good());
        k.broker(3);
        k.one(13, -1, "~t", good());
        k.log_of("~t", &[0]);
    });
    theme.case("each broker gives out producer ids of blocks of its own", |k| {
        let ids: Vec<_> = [1, 2, 3, 1, 2, 3].into_iter().map(|broker| id(k, broker)).collect();
        let follow = (0..3).all(|at| ids[at] + 1 == ids[at + 3]);
        k.say(&format!("those of a broker follow each other: {follow}"));
        let block = |id: i64| id / 1_000;
        let apart = block(ids[0]) != block(ids[1]) && block(ids[1]) != block(ids[2]);
        k.say(&format!("brokers have blocks of a thousand: {apart}"));
    });
    theme.case("replicas of a new topic", |k| {
        let create = |k: &mut Session<'_>, topic: Value| {
            k.call("CreateTopics", 7, fields! { validate_only: true, topics: vec![topic] });
        };
        k.broker(2);
        for factor in [1_i16, 3, 4] {
            create(k, fields! { name: "~t", num_partitions: 2, replication_factor: factor });
        }
        let assigned = |rows: &[(i32, &[i32])]| {
            let row = |(index, brokers): &(i32, &[i32])| {
                fields! { partition_index: *index, broker_ids: brokers.to_vec() }
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            fields! { name: "~t", num_partitions: -1, replication_factor: -1_i16, assignments: rows }
        };
        for rows in [
            &[(0, &[3, 1][..]), (1, &[2, 1])][..],
            &[(0, &[3, 1]), (1, &[2])],
            &[(0, &[1, 2, 4])],
            &[(0, &[2, 2])],
            &[(0, &[1]), (2, &[1])],
        ] {
            create(k, assigned(rows));
        }
    });
}
