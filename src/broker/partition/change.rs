//! What the cluster does to a partition: brokers come and go, leaders and in-sync sets change, replication stands still.

use crate::broker::node::emulate::Emulate;
use crate::broker::partition::Partition;
use crate::broker::partition::producers::ProducerStates;
use crate::broker::partition::replicas::{Election, ReplicaError};
use crate::broker::topic::config::TopicConfig;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// A change of a partition's replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Change<'a> {
    /// A broker does not run any more. If it led, the first replica in sync takes over, or nobody.
    Down(BrokerId),
    /// A broker runs again, and has what it had.
    Up {
        /// The broker.
        broker: BrokerId,
        /// It had been stopped, not killed.
        cleanly: bool,
        /// When, in milliseconds since 1970.
        now: i64,
    },
    /// A broker becomes the leader.
    Lead {
        /// The broker.
        broker: BrokerId,
        /// Even if it is not in sync.
        unclean: bool,
    },
    /// Exactly these are in sync.
    InSync(&'a [BrokerId]),
    /// A broker gets no further records.
    Hold(BrokerId),
    /// Every broker gets records again.
    Resume,
}

impl Partition {
    /// Makes a change, with all that follows from it: a new leader has the log as far as it had it, the others give up
    /// what they have beyond that, the high watermark moves, and those who waited at another leader get an error. What
    /// is refused changes nothing.
    pub(in crate::broker) fn change(
        &mut self,
        change: Change<'_>,
        (config, emulate): (&TopicConfig, Emulate),
    ) -> Result<(), ReplicaError> {
        let election =
            Election { eligible_replicas: emulate >= Emulate::V4_3, min_in_sync: self.min_in_sync(config) };
        let (before, epoch) = (self.leader(), self.leader_epoch());
        self.apply(change, election)?;
        if self.leader() != before {
            self.waits.fail(ErrorCode::NOT_LEADER_OR_FOLLOWER);
            self.take_over();
        }
        if self.leader_epoch() != epoch && self.leader().is_some() {
            self.epochs.begin(self.leader_epoch(), self.log.end());
        }
        if self.restarted_at() != self.recalled_from {
            self.recall();
        }
        self.replicas.follow(self.log.end(), election);
        self.advance(config);
        Ok(())
    }

    fn apply(&mut self, change: Change<'_>, election: Election) -> Result<(), ReplicaError> {
        match change {
            Change::Down(broker) => self.replicas.leave(broker, election),
            Change::Up { broker, cleanly, now } => {
                let end = self.log.end();
                if let Some(replica) = self.replicas.get_mut(broker) {
                    replica.started = (replica.stopped_at.unwrap_or(end), Some(now));
                }
                self.replicas.enter(broker, cleanly);
            }
            Change::Lead { broker, unclean } => self.replicas.elect(broker, unclean)?,
            Change::InSync(brokers) => self.replicas.set_in_sync(brokers)?,
            Change::Hold(broker) => self.replicas.hold(broker)?,
            Change::Resume => self.replicas.all.iter_mut().for_each(|replica| replica.held = false),
        }
        Ok(())
    }

    /// The log becomes that of the new leader. What it lacks is kept for those who have it and do not run.
    fn take_over(&mut self) {
        let old_end = self.log.end();
        let Some(leader) = self.leader().and_then(|leader| self.replicas.get_mut(leader)) else { return };
        let Some(end) = leader.stopped_at.take() else { return };
        let tail = std::mem::take(&mut leader.tail);
        let lost = self.log.truncate(end);
        self.epochs.truncate(end);
        for replica in
            self.replicas.all.iter_mut().filter(|replica| Some(replica.broker) != self.replicas.leader)
        {
            let its_end = replica.stopped_at.unwrap_or(old_end);
            if its_end > end {
                replica.tail = lost.below(its_end, std::mem::take(&mut replica.tail));
                replica.stopped_at = Some(end);
                replica.started.0 = replica.started.0.min(end);
            }
        }
        self.log.restore(tail);
        self.high_watermark = self.high_watermark.min(self.log.end());
        self.recall();
    }

    /// Learns from the log what its producers wrote, as the leader did: of what was there when its broker was started
    /// last it remembers what a snapshot keeps.
    fn recall(&mut self) {
        self.recalled_from = self.restarted_at();
        let started_at = self.leader().and_then(|leader| self.replicas.get(leader)?.started.1);
        let mut snapshot = self.recalled_from;
        self.producers = ProducerStates::default();
        for (base_offset, batch) in self.log.batches() {
            if base_offset >= snapshot {
                self.producers = std::mem::take(&mut self.producers).restarted(started_at);
                snapshot = i64::MAX;
            }
            self.producers.replay(batch, base_offset, self.high_watermark);
        }
        if snapshot < i64::MAX {
            self.producers = std::mem::take(&mut self.producers).restarted(started_at);
        }
        // What was forgotten stays forgotten.
        if let Some(at) = self.expired_at {
            self.producers.expire(at);
        }
    }

    /// Where the log ended when the leader's broker was started last.
    fn restarted_at(&self) -> i64 {
        let leader = self.leader().and_then(|leader| self.replicas.get(leader));
        leader.map_or(self.recalled_from, |leader| leader.started.0)
    }

    /// Does what is due from time to time: at `now` (milliseconds since 1970) producers are forgotten that have been
    /// idle for too long, and records that are too old or too much.
    pub(in crate::broker) fn keep_house(&mut self, now: i64, config: &TopicConfig) {
        self.expired_at = Some(now);
        self.producers.expire(now);
        if config.deletes {
            self.log.retain(&config.retention, now, self.high_watermark);
        }
    }

    /// The topic is deleted: whoever waits or comes gets an error.
    pub(in crate::broker) fn delete(&mut self) {
        self.deleted = true;
        self.waits.fail(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::partition::{Acks, Appended, Rules};
    use crate::kafka::batch::{Batch, BatchBuilder, entries};

    struct Three {
        partition: Partition,
        config: TopicConfig,
    }

    impl Three {
        fn new(settings: &[(&str, &str)]) -> Self {
            let partition = Partition::new(&[1, 2, 3].map(BrokerId), |_| true);
            Self { partition, config: TopicConfig::read(Emulate::V4_3, settings.iter().copied()).unwrap() }
        }

        fn change(&mut self, change: Change<'_>) {
            self.partition.change(change, (&self.config, Emulate::V4_3)).unwrap();
        }

        fn lead(&mut self, broker: i32, unclean: bool) {
            self.change(Change::Lead { broker: BrokerId(broker), unclean });
        }

        fn up(&mut self, broker: i32) {
            self.change(Change::Up { broker: BrokerId(broker), cleanly: true, now: 0 });
        }

        /// Appends one record of producer 7 with `acks=1`.
        fn append(&mut self, sequence: i32) -> Result<Appended, ErrorCode> {
            let value = format!("{}.{sequence}", self.partition.leader_epoch());
            let batch = BatchBuilder::new().producer(7, 0, sequence).value(value.as_bytes()).build().unwrap();
            let entry = entries(batch.into_bytes()).next().unwrap().unwrap();
            let rules = Rules { config: &self.config, now: 0, topic: "orders", partition: 0 };
            self.partition.append(entry, (Acks::Leader, None), rules).map_err(|rejection| rejection.code)
        }

        /// Leader epoch and sequence of every record.
        fn records(&self) -> Vec<String> {
            let value = |batch: &Batch| {
                let payload = batch.payload(100).unwrap();
                let record = batch.records(&payload).next().unwrap().unwrap();
                String::from_utf8(record.value.unwrap().to_vec()).unwrap()
            };
            self.partition.log.batches().map(|(_, batch)| value(batch)).collect()
        }

        fn ends(&self) -> (i64, i64) {
            (self.partition.high_watermark, self.partition.log.end())
        }
    }

    #[test]
    fn the_high_watermark_waits_for_a_replica_that_is_held_and_for_the_minimum() {
        let mut three = Three::new(&[("min.insync.replicas", "2")]);
        three.append(0).unwrap();
        assert_eq!(three.ends(), (1, 1));
        three.change(Change::Hold(BrokerId(3)));
        three.append(1).unwrap();
        assert_eq!(three.ends(), (1, 2));
        three.change(Change::InSync(&[BrokerId(1), BrokerId(2)]));
        assert_eq!(three.ends(), (2, 2), "who is not in sync is not waited for");
        three.change(Change::InSync(&[BrokerId(1)]));
        three.append(2).unwrap();
        assert_eq!(three.ends(), (2, 3), "KIP-966");
        three.change(Change::InSync(&[BrokerId(1), BrokerId(2)]));
        assert_eq!(three.ends(), (3, 3));
        three.change(Change::Resume);
        assert_eq!(three.partition.in_sync().len(), 2, "who was put out does not come back by itself");
    }

    #[test]
    fn a_clean_move_keeps_what_was_replicated_and_an_unclean_one_loses_what_the_new_leader_lacks() {
        let mut three = Three::new(&[]);
        three.append(0).unwrap();
        three.lead(2, false);
        three.append(1).unwrap();
        assert_eq!(three.records(), ["0.0", "1.1"]);
        three.change(Change::InSync(&[BrokerId(2), BrokerId(1)]));
        three.append(2).unwrap();
        three.lead(3, true);
        assert_eq!(three.records(), ["0.0", "1.1"]);
        assert_eq!(three.ends(), (2, 2));
        three.append(2).unwrap();
        assert_eq!((three.records()[2].as_str(), three.ends()), ("2.2", (3, 3)));
        assert_eq!(three.partition.in_sync(), [3, 1, 2].map(BrokerId), "the others follow the new leader");
    }

    #[test]
    fn a_leader_that_was_held_back_loses_what_nobody_was_promised() {
        let mut three = Three::new(&[]);
        three.append(0).unwrap();
        three.change(Change::Hold(BrokerId(2)));
        three.append(1).unwrap();
        three.lead(2, false);
        assert_eq!((three.records(), three.ends()), (vec!["0.0".to_owned()], (1, 1)));
    }

    #[test]
    fn what_a_dead_leader_alone_has_comes_back_only_if_it_is_elected_again() {
        for (again, expected) in [(false, vec!["0.0", "2.1", "2.2"]), (true, vec!["0.0", "0.1", "0.2"])] {
            let mut three = Three::new(&[]);
            three.append(0).unwrap();
            three.change(Change::InSync(&[BrokerId(1)]));
            three.append(1).unwrap();
            three.append(2).unwrap();
            three.change(Change::Down(BrokerId(1)));
            assert_eq!(three.partition.leader(), None);
            three.lead(2, true);
            assert_eq!(three.records(), ["0.0"]);
            three.append(1).unwrap();
            three.append(2).unwrap();
            if again {
                three.change(Change::Down(BrokerId(3)));
                three.change(Change::Down(BrokerId(2)));
                three.up(1);
                assert_eq!(three.partition.leader(), None, "it is not in sync");
                three.lead(1, true);
            } else {
                three.up(1);
            }
            assert_eq!(three.records(), expected);
            assert_eq!(three.ends(), (3, 3));
        }
    }

    #[test]
    fn a_new_leader_knows_the_last_five_batches_of_what_it_has_and_no_others() {
        let mut three = Three::new(&[]);
        for sequence in 0..6 {
            three.append(sequence).unwrap();
        }
        three.change(Change::Hold(BrokerId(2)));
        three.append(6).unwrap();
        three.append(7).unwrap();
        three.lead(2, false);
        assert_eq!(three.ends().1, 6);
        assert_eq!(three.append(1).unwrap().base_offset, 1, "a duplicate");
        assert_eq!(three.append(0), Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER), "older than five");
        assert_eq!(three.append(7), Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER), "6 was lost");
        assert_eq!(three.append(6).unwrap().base_offset, 6);
    }

    #[test]
    fn who_was_restarted_knows_the_newest_batch_of_before_and_a_leader_that_was_not_knows_five() {
        let mut three = Three::new(&[]);
        for sequence in 0..3 {
            three.append(sequence).unwrap();
        }
        three.change(Change::Down(BrokerId(1)));
        assert_eq!(three.append(1).unwrap().base_offset, 1, "broker 2 has been there all the time");
        three.append(3).unwrap();
        three.up(1);
        three.append(4).unwrap();
        three.lead(1, false);
        for (sequence, duplicate) in [(1, false), (2, true), (3, true), (4, true)] {
            let found = three.append(sequence).map(|appended| appended.base_offset);
            let expected = if duplicate { Ok(sequence.into()) } else { Err(ErrorCode(45)) };
            assert_eq!(found, expected, "broker 1 had 0 to 2 when it started, {sequence}");
        }
        three.lead(3, false);
        assert_eq!(three.append(0).unwrap().base_offset, 0);
    }

    #[test]
    fn who_waits_hears_of_the_first_change_that_decides_it() {
        let mut three = Three::new(&[]);
        three.change(Change::Hold(BrokerId(2)));
        let wait = |three: &mut Three, sequence| {
            let appended = three.append(sequence).unwrap();
            three.partition.wait(&appended).unwrap()
        };
        let mut confirmed = wait(&mut three, 0);
        assert!(confirmed.try_recv().is_err());
        three.change(Change::Resume);
        let appended = three.append(0).unwrap();
        assert!(three.partition.wait(&appended).is_none(), "a duplicate that all have");
        three.change(Change::Hold(BrokerId(2)));
        let mut deposed = wait(&mut three, 1);
        three.lead(3, false);
        three.lead(1, false);
        assert_eq!(confirmed.try_recv(), Ok(ErrorCode::NONE));
        assert_eq!(deposed.try_recv(), Ok(ErrorCode::NOT_LEADER_OR_FOLLOWER));
        let mut gone = wait(&mut three, 2);
        three.partition.delete();
        assert_eq!(gone.try_recv(), Ok(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    }
}
