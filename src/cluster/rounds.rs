//! Asks the leaders of partitions, round after round, until every partition has its answer: requests go out to all
//! brokers before the first answer is awaited; where leadership has moved, the new leader is asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kafka_protocol::protocol::Request;
use tokio::time::{Instant, sleep_until};

use crate::cluster::connection::{Address, CallError, CallFailure, Connection, Dial, Pending};
use crate::cluster::topics::PAUSE;
use crate::cluster::{Cluster, ClusterError, Place, Topic};
use crate::id::Partition;
use crate::kafka::ErrorCode;

/// Codes that say that somebody else leads the partition, or nobody yet.
const MOVED: &[ErrorCode] = &[
    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode::LEADER_NOT_AVAILABLE,
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::FENCED_LEADER_EPOCH,
    ErrorCode::UNKNOWN_LEADER_EPOCH,
    ErrorCode::OFFSET_NOT_AVAILABLE,
    ErrorCode::UNKNOWN_TOPIC_ID,
    ErrorCode::INCONSISTENT_TOPIC_ID,
];

/// The topics of which something is known.
pub(super) type Known = HashMap<Arc<str>, Topic>;

/// What an answer says of one partition; a partition of which it says nothing is asked for again.
pub(super) enum Step<T> {
    /// There is more to be asked.
    More,
    /// That was all.
    Done(T),
    /// The leader refused, or is none.
    Refused(ErrorCode),
}

/// Steps of some partitions.
pub(super) type Steps<T> = Vec<(usize, Step<T>)>;

/// A question to the leaders of partitions; a partition goes by its place in a list.
pub(super) trait Question {
    /// The API.
    type Request: Request;
    /// What is known of a partition in the end.
    type Done;

    /// The version to be used, where both sides speak `highest`.
    fn version(&self, highest: i16, _known: &Known) -> i16 {
        highest
    }

    /// The request for some partitions of one leader.
    fn request(&mut self, version: i16, of: &[usize], known: &Known) -> Self::Request;

    /// Takes an answer in.
    fn answer(
        &mut self,
        version: i16,
        answer: <Self::Request as Request>::Response,
        known: &Known,
    ) -> Result<Steps<Self::Done>, ClusterError>;
}

/// Where each partition stands in a list.
pub(super) struct Index<'a> {
    by_topic: HashMap<&'a str, BTreeMap<Partition, usize>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(places: impl Iterator<Item = &'a Place>) -> Self {
        let mut by_topic: HashMap<&str, BTreeMap<_, _>> = HashMap::new();
        for (n, place) in places.enumerate() {
            by_topic.entry(&place.topic).or_default().insert(place.partition, n);
        }
        Self { by_topic }
    }

    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<usize> {
        self.by_topic.get(topic)?.get(&Partition(partition)).copied()
    }
}

/// A request on its way to one broker.
struct InFlight<D: Dial, R> {
    connection: Connection<D::Stream>,
    pending: Pending<R>,
    version: i16,
    of: Vec<usize>,
}

/// The state of a question: what each partition came to, and which are still open, in the order of asking.
struct Rounds<T> {
    results: Vec<Option<Result<T, ErrorCode>>>,
    open: Vec<usize>,
    /// Why a partition found no leader, until it gets something.
    refused: Vec<Option<ErrorCode>>,
    /// Those that found none in this round.
    lost: Vec<usize>,
}

impl<T> Rounds<T> {
    fn new(partitions: usize) -> Self {
        Self {
            results: (0..partitions).map(|_| None).collect(),
            open: (0..partitions).collect(),
            refused: vec![None; partitions],
            lost: Vec::new(),
        }
    }

    /// Partitions that got something stand behind those that got nothing, so that all get their turn.
    fn take(&mut self, steps: Steps<T>) {
        for (n, step) in steps {
            let Some(at) = self.open.iter().position(|open| *open == n) else { continue };
            self.open.remove(at);
            match step {
                Step::Done(done) => self.results[n] = Some(Ok(done)),
                Step::Refused(code) if !MOVED.contains(&code) => self.results[n] = Some(Err(code)),
                Step::Refused(code) => {
                    self.open.push(n);
                    self.lose(n, code);
                }
                Step::More => {
                    self.open.push(n);
                    self.refused[n] = None;
                }
            }
        }
    }

    fn lose(&mut self, n: usize, code: ErrorCode) {
        self.refused[n] = Some(code);
        self.lost.push(n);
    }

    /// A broker that is gone may have a successor; any other failure is one of the call.
    fn lose_all(&mut self, of: &[usize], error: CallError) -> Result<(), CallError> {
        if !error.is_gone() {
            return Err(error);
        }
        for n in of {
            self.lose(*n, ErrorCode::NETWORK_EXCEPTION);
        }
        Ok(())
    }

    /// Time has run out: what found no leader comes to the reason.
    fn give_up(&mut self) {
        for n in std::mem::take(&mut self.open) {
            match self.refused[n] {
                Some(code) => self.results[n] = Some(Err(code)),
                None => self.open.push(n),
            }
        }
    }
}

impl<D: Dial> Cluster<D> {
    /// Asks until every partition has its answer. A partition that has no leader when time runs out, or whose leader
    /// refuses for good, comes with the code.
    pub(super) async fn ask_leaders<Q: Question>(
        &mut self,
        places: &[&Place],
        question: &mut Q,
        deadline: Instant,
    ) -> Result<Vec<Result<Q::Done, ErrorCode>>, ClusterError> {
        let mut rounds = Rounds::new(places.len());
        let unknown: Vec<_> =
            topics(places.iter().copied().filter(|place| !self.topics.contains_key(&place.topic)));
        if !unknown.is_empty() {
            self.locate(&unknown, deadline).await?;
        }
        while !rounds.open.is_empty() {
            if Instant::now() >= deadline {
                rounds.give_up();
                let Some(first) = rounds.open.first() else { break };
                let Place { topic, partition } = places[*first];
                let waited_for = format!("the rest of {topic}[{partition}]");
                return Err(ClusterError::Deadline { waited_for });
            }
            let sent = self.send_round(places, question, &mut rounds, deadline).await?;
            self.receive_round(sent, question, &mut rounds, deadline).await?;
            let lost = std::mem::take(&mut rounds.lost);
            if !lost.is_empty() && !self.find_leaders(places, &lost, deadline).await? {
                rounds.give_up();
            }
        }
        Ok(rounds.results.into_iter().flatten().collect())
    }

    /// Waits a little, then asks again who leads these partitions; false when there is no time left for that.
    async fn find_leaders(
        &mut self,
        places: &[&Place],
        lost: &[usize],
        deadline: Instant,
    ) -> Result<bool, ClusterError> {
        if Instant::now() + PAUSE >= deadline {
            return Ok(false);
        }
        sleep_until(Instant::now() + PAUSE).await;
        match self.locate(&topics(lost.iter().map(|n| places[*n])), deadline).await {
            Err(ClusterError::Call(call)) if matches!(call.cause, CallFailure::Deadline) => Ok(false),
            located => located.map(|_| true),
        }
    }

    async fn send_round<Q: Question>(
        &mut self,
        places: &[&Place],
        question: &mut Q,
        rounds: &mut Rounds<Q::Done>,
        deadline: Instant,
    ) -> Result<Vec<InFlight<D, Q::Request>>, ClusterError> {
        let mut by_leader: BTreeMap<Address, Vec<usize>> = BTreeMap::new();
        let mut lost = Vec::new();
        for n in &rounds.open {
            match self.leader(places[*n]) {
                Ok(leader) => by_leader.entry(leader.clone()).or_default().push(*n),
                Err(code) => lost.push((*n, code)),
            }
        }
        for (n, code) in lost {
            rounds.lose(n, code);
        }
        let mut sent = Vec::new();
        for (leader, of) in by_leader {
            match self.send_one(&leader, question, of.clone(), deadline).await {
                Ok(one) => sent.push(one),
                Err(error) => rounds.lose_all(&of, error)?,
            }
        }
        Ok(sent)
    }

    async fn send_one<Q: Question>(
        &mut self,
        leader: &Address,
        question: &mut Q,
        of: Vec<usize>,
        deadline: Instant,
    ) -> Result<InFlight<D, Q::Request>, CallError> {
        let mut connection = self.to(leader, deadline).await?;
        let version = question.version(connection.version::<Q::Request>()?, &self.topics);
        let request = question.request(version, &of, &self.topics);
        let pending = connection.send(&request, version, deadline).await?;
        Ok(InFlight { connection, pending, version, of })
    }

    async fn receive_round<Q: Question>(
        &mut self,
        sent: Vec<InFlight<D, Q::Request>>,
        question: &mut Q,
        rounds: &mut Rounds<Q::Done>,
        deadline: Instant,
    ) -> Result<(), ClusterError> {
        for InFlight { mut connection, pending, version, of } in sent {
            match connection.receive(pending, deadline).await {
                Ok(answer) => {
                    self.keep(connection);
                    rounds.take(question.answer(version, answer, &self.topics)?);
                }
                Err(error) => rounds.lose_all(&of, error)?,
            }
        }
        Ok(())
    }

    fn leader(&self, place: &Place) -> Result<&Address, ErrorCode> {
        let leaders = self.topics.get(&place.topic).map(|topic| &topic.leaders);
        let leader = leaders.and_then(|leaders| leaders.get(&place.partition));
        let leader = leader.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        leader.and_then(|leader| self.brokers.get(&leader)).ok_or(ErrorCode::LEADER_NOT_AVAILABLE)
    }
}

fn topics<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<Arc<str>> {
    let mut names: Vec<_> = places.map(|place| place.topic.clone()).collect();
    names.sort();
    names.dedup();
    names
}
