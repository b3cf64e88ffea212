//! Who has a partition, who leads it, and who is in sync: no log, no socket, no clock.
//!
//! The rules are the controller's (`PartitionChangeBuilder`, `ReplicationControlManager.handleBrokerFenced`): a leader
//! comes out of the in-sync set, the first in the order of the assignment; each new leader, and none, is a new leader
//! epoch; a change of the in-sync set alone is not.

use thiserror::Error;

use crate::broker::partition::log::Stranded;
use crate::id::BrokerId;

/// Why the replicas of a partition cannot be as they are asked to be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplicaError {
    /// The broker has no part in the partition.
    #[error("broker {broker} has no replica of it: its replicas are on {}", listed(.replicas))]
    NotReplica {
        /// The broker.
        broker: BrokerId,
        /// Those that have.
        replicas: Vec<BrokerId>,
    },
    /// The broker does not run.
    #[error("broker {0} does not run")]
    NotRunning(BrokerId),
    /// A leader is elected from the in-sync set.
    #[error(
        "broker {broker} is not in sync, and only an unclean election would make it the leader: in sync is {}",
        listed(.in_sync)
    )]
    NotInSync {
        /// The broker.
        broker: BrokerId,
        /// Those that are.
        in_sync: Vec<BrokerId>,
    },
    /// The leader has all its own records.
    #[error("broker {0} leads it, and a leader is always in sync")]
    LeaderLeftOut(BrokerId),
    /// Nobody can be in sync with nobody.
    #[error("it has no leader to be in sync with")]
    NoLeader,
    /// A replica that is held back does not catch up.
    #[error("broker {0} cannot come in sync: its replication is held")]
    Held(BrokerId),
    /// A leader does not replicate.
    #[error("broker {0} leads it, and does not replicate it from another")]
    LeaderHeld(BrokerId),
}

fn listed(brokers: &[BrokerId]) -> String {
    match brokers {
        [] => "nobody".to_owned(),
        _ => brokers.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// How a partition's leader is chosen, as far as releases and settings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Election {
    /// Replicas that have left the in-sync set below `min.insync.replicas` may still be elected cleanly, and the set may
    /// become empty (KIP-966, on by default in clusters of 4.1 and later).
    pub eligible_replicas: bool,
    /// `min.insync.replicas`, no more than there are replicas.
    pub min_in_sync: usize,
}

/// A replica.
#[derive(Debug)]
pub(super) struct Replica {
    pub broker: BrokerId,
    /// Where its log ends, if it does not follow the leader.
    pub stopped_at: Option<i64>,
    /// What it has from there on that the leader has not. It is lost when the replica follows a leader again.
    pub tail: Stranded,
    /// Its broker does not run.
    pub down: bool,
    /// Its replication is held.
    pub held: bool,
    /// It was put out of the in-sync set.
    pub left_out: bool,
    /// Where its log ended when its broker was started last, and when that was, in milliseconds since 1970: of what
    /// producers wrote before, it remembers the newest batches alone.
    pub started: (i64, Option<i64>),
}

impl Replica {
    fn new(broker: BrokerId, down: bool) -> Self {
        let (stopped_at, tail) = (down.then_some(0), Stranded::default());
        Self { broker, stopped_at, tail, down, held: false, left_out: false, started: (0, None) }
    }

    /// Whether it has every record as soon as the leader has it.
    pub(super) fn follows(&self) -> bool {
        !(self.down || self.held || self.left_out)
    }
}

/// The replicas of a partition.
#[derive(Debug)]
pub(super) struct Replicas {
    /// All of them, the preferred leader first.
    pub all: Vec<Replica>,
    /// Who takes its records.
    pub leader: Option<BrokerId>,
    /// Rises with each leader, and when there is none any more.
    pub leader_epoch: i32,
    /// Those that have all its records.
    pub in_sync: Vec<BrokerId>,
    /// Those that have all committed records, though they are not in sync (the ELR of KIP-966).
    eligible: Vec<BrokerId>,
    /// Who led when there was a leader last.
    last_leader: Option<BrokerId>,
}

impl Replicas {
    /// Replicas on these brokers; those that run are in sync, and the first of them leads.
    pub(super) fn new(brokers: &[BrokerId], runs: impl Fn(BrokerId) -> bool) -> Self {
        let in_sync: Vec<_> = brokers.iter().copied().filter(|broker| runs(*broker)).collect();
        Self {
            all: brokers.iter().map(|broker| Replica::new(*broker, !runs(*broker))).collect(),
            leader: in_sync.first().copied(),
            leader_epoch: 0,
            in_sync,
            eligible: vec![],
            last_leader: None,
        }
    }

    /// The brokers of all replicas.
    pub(super) fn brokers(&self) -> impl Iterator<Item = BrokerId> {
        self.all.iter().map(|replica| replica.broker)
    }

    pub(super) fn get(&self, broker: BrokerId) -> Option<&Replica> {
        self.all.iter().find(|replica| replica.broker == broker)
    }

    pub(super) fn get_mut(&mut self, broker: BrokerId) -> Option<&mut Replica> {
        self.all.iter_mut().find(|replica| replica.broker == broker)
    }

    /// A replica that there is, or the error that there is none.
    pub(super) fn known(&mut self, broker: BrokerId) -> Result<&mut Replica, ReplicaError> {
        let replicas = self.brokers().collect();
        self.get_mut(broker).ok_or(ReplicaError::NotReplica { broker, replicas })
    }

    /// A broker does not run any more.
    pub(super) fn leave(&mut self, broker: BrokerId, election: Election) {
        let Some(replica) = self.get_mut(broker) else { return };
        replica.down = true;
        let shrunk: Vec<_> = self.in_sync.iter().copied().filter(|other| *other != broker).collect();
        if election.eligible_replicas && shrunk.len() < election.min_in_sync {
            let left = self.in_sync.iter().filter(|other| !shrunk.contains(other));
            let left: Vec<_> = left.filter(|other| !self.eligible.contains(other)).copied().collect();
            self.eligible.extend(left);
        }
        // Without eligible replicas, the last one stays.
        if !shrunk.is_empty() || election.eligible_replicas {
            self.in_sync = shrunk;
        }
        if self.leader == Some(broker) {
            self.last_leader = Some(broker);
            let next = self.candidate();
            self.lead(next);
        }
    }

    /// A broker runs again. `cleanly` says whether it had been stopped rather than killed.
    pub(super) fn enter(&mut self, broker: BrokerId, cleanly: bool) {
        let Some(replica) = self.get_mut(broker) else { return };
        replica.down = false;
        // What was put out comes back like any broker that starts.
        replica.left_out = false;
        if !cleanly {
            self.eligible.retain(|other| *other != broker);
        }
        if self.leader.is_none() {
            let next = self.candidate().or_else(|| self.last_resort());
            if next.is_some() {
                self.lead(next);
            }
        }
    }

    /// The first running replica, in the order of the assignment, that may be elected cleanly.
    fn candidate(&self) -> Option<BrokerId> {
        let electable = |replica: &&Replica| !replica.down && self.may_lead(replica.broker);
        self.all.iter().find(electable).map(|replica| replica.broker)
    }

    fn may_lead(&self, broker: BrokerId) -> bool {
        self.in_sync.contains(&broker) || (self.in_sync.is_empty() && self.eligible.contains(&broker))
    }

    /// Where nobody is in sync or eligible, the last leader is taken back (`canElectLastKnownLeader`).
    fn last_resort(&self) -> Option<BrokerId> {
        let nobody = self.in_sync.is_empty() && self.eligible.is_empty();
        let last = self.last_leader.filter(|_| nobody)?;
        self.get(last).filter(|replica| !replica.down).map(|replica| replica.broker)
    }

    /// A new leader, or none.
    fn lead(&mut self, leader: Option<BrokerId>) {
        self.leader = leader;
        self.leader_epoch += 1;
        let Some(leader) = leader else { return };
        if !self.in_sync.contains(&leader) {
            self.in_sync = vec![leader];
        }
        self.eligible.retain(|other| *other != leader);
        if let Some(replica) = self.get_mut(leader) {
            (replica.held, replica.left_out) = (false, false);
        }
    }

    /// Makes a broker the leader. An unclean election takes one that is not in sync, and leaves it alone in sync.
    pub(super) fn elect(&mut self, broker: BrokerId, unclean: bool) -> Result<(), ReplicaError> {
        if self.known(broker)?.down {
            return Err(ReplicaError::NotRunning(broker));
        }
        if self.leader == Some(broker) {
            return Ok(());
        }
        if !self.may_lead(broker) {
            if !unclean {
                return Err(ReplicaError::NotInSync { broker, in_sync: self.in_sync.clone() });
            }
            self.eligible.clear();
        }
        self.lead(Some(broker));
        Ok(())
    }

    /// Puts replicas out of the in-sync set and into it, as if they had fallen behind or caught up.
    pub(super) fn set_in_sync(&mut self, brokers: &[BrokerId]) -> Result<(), ReplicaError> {
        let leader = self.leader.ok_or(ReplicaError::NoLeader)?;
        if !brokers.contains(&leader) {
            return Err(ReplicaError::LeaderLeftOut(leader));
        }
        for broker in brokers {
            let was_in_sync = self.in_sync.contains(broker);
            let replica = self.known(*broker)?;
            if replica.down {
                return Err(ReplicaError::NotRunning(*broker));
            }
            if replica.held && !was_in_sync {
                return Err(ReplicaError::Held(*broker));
            }
        }
        for replica in &mut self.all {
            replica.left_out = !brokers.contains(&replica.broker);
        }
        self.in_sync.retain(|broker| brokers.contains(broker));
        Ok(())
    }

    /// Holds the replication to a broker.
    pub(super) fn hold(&mut self, broker: BrokerId) -> Result<(), ReplicaError> {
        if self.leader == Some(broker) {
            return Err(ReplicaError::LeaderHeld(broker));
        }
        self.known(broker)?.held = true;
        Ok(())
    }

    /// Lets those that can catch up with the leader do so, and come in sync; the others stay where they are, with
    /// `end` as the end of the leader's log.
    pub(super) fn follow(&mut self, end: i64, election: Election) {
        for replica in &mut self.all {
            let leads = self.leader == Some(replica.broker);
            if leads || (self.leader.is_some() && replica.follows()) {
                replica.stopped_at = None;
                replica.tail = Stranded::default();
                if !self.in_sync.contains(&replica.broker) {
                    self.in_sync.push(replica.broker);
                }
            } else {
                replica.stopped_at.get_or_insert(end);
            }
        }
        if self.in_sync.len() >= election.min_in_sync {
            self.eligible.clear();
        }
        self.eligible.retain(|broker| !self.in_sync.contains(broker));
    }

    /// How far all that are in sync have the log, which ends at `end`.
    pub(super) fn replicated(&self, end: i64) -> i64 {
        let ends = self.all.iter().filter(|replica| self.in_sync.contains(&replica.broker));
        ends.filter_map(|replica| replica.stopped_at).fold(end, i64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: Election = Election { eligible_replicas: true, min_in_sync: 1 };
    const OLD: Election = Election { eligible_replicas: false, min_in_sync: 1 };

    fn ids(brokers: &[i32]) -> Vec<BrokerId> {
        brokers.iter().copied().map(BrokerId).collect()
    }

    fn three() -> Replicas {
        Replicas::new(&ids(&[1, 2, 3]), |_| true)
    }

    fn leave(replicas: &mut Replicas, broker: i32, election: Election) {
        replicas.leave(BrokerId(broker), election);
        replicas.follow(0, election);
    }

    fn enter(replicas: &mut Replicas, broker: i32, cleanly: bool, election: Election) {
        replicas.enter(BrokerId(broker), cleanly);
        replicas.follow(0, election);
    }

    /// Leader, leader epoch and in-sync set.
    fn standing(replicas: &Replicas) -> (Option<i32>, i32, Vec<i32>) {
        let in_sync = replicas.in_sync.iter().map(|broker| broker.0).collect();
        (replicas.leader.map(|leader| leader.0), replicas.leader_epoch, in_sync)
    }

    #[test]
    fn the_first_in_sync_replica_that_runs_takes_over_and_who_comes_back_follows() {
        let mut replicas = three();
        leave(&mut replicas, 2, MODERN);
        assert_eq!(standing(&replicas), (Some(1), 0, vec![1, 3]), "no new leader, no new epoch");
        leave(&mut replicas, 1, MODERN);
        assert_eq!(standing(&replicas), (Some(3), 1, vec![3]));
        enter(&mut replicas, 1, true, MODERN);
        assert_eq!(standing(&replicas), (Some(3), 1, vec![3, 1]));
        enter(&mut replicas, 2, false, MODERN);
        assert_eq!(standing(&replicas), (Some(3), 1, vec![3, 1, 2]));
    }

    #[test]
    fn without_the_last_in_sync_replica_there_is_no_leader_until_it_is_back() {
        for (election, in_sync) in [(MODERN, vec![]), (OLD, vec![3])] {
            for cleanly in [true, false] {
                let mut replicas = three();
                for broker in [1, 2, 3] {
                    leave(&mut replicas, broker, election);
                }
                assert_eq!(standing(&replicas), (None, 3, in_sync.clone()));
                enter(&mut replicas, 1, cleanly, election);
                assert_eq!(standing(&replicas), (None, 3, in_sync.clone()), "it may lack committed records");
                enter(&mut replicas, 3, cleanly, election);
                assert_eq!(standing(&replicas), (Some(3), 4, vec![3, 1]));
            }
        }
    }

    #[test]
    fn below_the_minimum_who_left_may_still_be_elected_unless_it_was_killed() {
        let election = Election { min_in_sync: 2, ..MODERN };
        for (cleanly, leader) in [(true, Some(2)), (false, None)] {
            let mut replicas = three();
            for broker in [1, 2, 3] {
                leave(&mut replicas, broker, election);
            }
            enter(&mut replicas, 1, true, election);
            assert_eq!(replicas.leader, None, "two were in sync without it");
            enter(&mut replicas, 2, cleanly, election);
            assert_eq!(replicas.leader.map(|leader| leader.0), leader);
        }
    }

    #[test]
    fn a_leader_comes_out_of_the_in_sync_set_unless_the_election_is_unclean() {
        let mut replicas = three();
        replicas.set_in_sync(&ids(&[1, 2])).unwrap();
        replicas.follow(0, MODERN);
        let error = replicas.elect(BrokerId(3), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "broker 3 is not in sync, and only an unclean election would make it the leader: in sync is 1, 2"
        );
        replicas.elect(BrokerId(2), false).unwrap();
        assert_eq!(standing(&replicas), (Some(2), 1, vec![1, 2]));
        replicas.elect(BrokerId(3), true).unwrap();
        assert_eq!(standing(&replicas), (Some(3), 2, vec![3]));
        replicas.follow(0, MODERN);
        assert_eq!(standing(&replicas), (Some(3), 2, vec![3, 1, 2]), "the others follow it at once");
        replicas.elect(BrokerId(3), true).unwrap();
        assert_eq!(replicas.leader_epoch, 2, "it leads already");
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let mut replicas = Replicas::new(&ids(&[1, 2]), |_| true);
        let error = replicas.elect(BrokerId(3), true).unwrap_err();
        assert_eq!(error.to_string(), "broker 3 has no replica of it: its replicas are on 1, 2");
        assert_eq!(replicas.set_in_sync(&ids(&[2])), Err(ReplicaError::LeaderLeftOut(BrokerId(1))));
        assert_eq!(replicas.hold(BrokerId(1)), Err(ReplicaError::LeaderHeld(BrokerId(1))));
        leave(&mut replicas, 2, MODERN);
        assert_eq!(replicas.elect(BrokerId(2), true), Err(ReplicaError::NotRunning(BrokerId(2))));
        assert_eq!(replicas.set_in_sync(&ids(&[1, 2])), Err(ReplicaError::NotRunning(BrokerId(2))));
        leave(&mut replicas, 1, MODERN);
        assert_eq!(replicas.set_in_sync(&ids(&[1])), Err(ReplicaError::NoLeader));
        assert_eq!(standing(&replicas), (None, 1, vec![]));
    }

    #[test]
    fn who_is_held_or_left_out_stays_where_it_is() {
        let mut replicas = three();
        replicas.hold(BrokerId(2)).unwrap();
        replicas.set_in_sync(&ids(&[1, 2])).unwrap();
        replicas.follow(5, MODERN);
        assert_eq!((replicas.replicated(9), standing(&replicas).2), (5, vec![1, 2]));
        replicas.set_in_sync(&ids(&[1])).unwrap();
        replicas.follow(9, MODERN);
        assert_eq!(replicas.replicated(9), 9, "who is not in sync is not waited for");
        assert_eq!(replicas.set_in_sync(&ids(&[1, 2])), Err(ReplicaError::Held(BrokerId(2))));
        replicas.set_in_sync(&ids(&[1, 3])).unwrap();
        replicas.follow(9, MODERN);
        assert_eq!(standing(&replicas).2, [1, 3]);
    }
}
