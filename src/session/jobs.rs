//! Runs scenarios side by side and hands out their outcomes in the order of the files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::one::one;
use super::{Candidate, Finished, Options, Outcome, Progress, Verdict};

/// Runs scenarios. After an interruption, when the cluster is gone, and with `fail_fast` after one that has not passed, no
/// other one is started; an interruption ends those under way too. Two that would meet in a topic never run at once.
pub async fn run(
    candidates: Vec<Candidate>,
    options: &Options,
    interrupt: &CancellationToken,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Finished {
    let start = Instant::now();
    let run = |candidate| one(candidate, options.clone(), interrupt.clone());
    let outcomes = Jobs::new(options, interrupt, progress, run).all(candidates).await;
    Finished { outcomes, orphans: Vec::new(), elapsed: start.elapsed() }
}

/// What runs, what has ended, and what was handed out of it.
struct Jobs<'a, R> {
    options: &'a Options,
    interrupt: &'a CancellationToken,
    progress: &'a mut dyn FnMut(Progress<'_>),
    /// Runs one scenario.
    run: R,
    tasks: JoinSet<Outcome>,
    /// By task.
    running: HashMap<Id, Running>,
    /// By place in the order of the files.
    ended: Vec<Option<Outcome>>,
    /// So many from the first on were handed out.
    delivered: usize,
    stopping: bool,
}

/// A scenario that runs.
struct Running {
    /// In the order of the files.
    place: usize,
    /// What becomes of it should its task break.
    broken: Outcome,
    /// What nobody else may use meanwhile.
    meetings: Vec<Meeting>,
}

/// Where two scenarios on one cluster would meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Meeting {
    Topic(Arc<str>),
    TransactionalId(String),
}

impl<'a, R, F> Jobs<'a, R>
where
    R: Fn(Candidate) -> F,
    F: Future<Output = Outcome> + Send + 'static,
{
    fn new(
        options: &'a Options,
        interrupt: &'a CancellationToken,
        progress: &'a mut dyn FnMut(Progress<'_>),
        run: R,
    ) -> Self {
        Self {
            options,
            interrupt,
            progress,
            run,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            ended: Vec::new(),
            delivered: 0,
            stopping: false,
        }
    }

    async fn all(mut self, candidates: Vec<Candidate>) -> Vec<Outcome> {
        self.ended.resize_with(candidates.len(), || None);
        (self.progress)(Progress::Planned { scenarios: candidates.len() });
        let mut waiting: Vec<_> = candidates.into_iter().enumerate().collect();
        loop {
            while self.tasks.len() < self.options.jobs.max(1) {
                let Some(next) = self.next(&waiting) else { break };
                let (place, candidate) = waiting.remove(next);
                self.start(place, candidate);
            }
            let Some(joined) = self.tasks.join_next_with_id().await else { break };
            self.end(joined);
        }
        self.ended.into_iter().flatten().collect()
    }

    /// The first of those that wait that meets none that runs.
    fn next(&self, waiting: &[(usize, Candidate)]) -> Option<usize> {
        let used: HashSet<_> = self.running.values().flat_map(|running| &running.meetings).collect();
        waiting.iter().position(|(_, candidate)| !self.meetings(candidate).any(|place| used.contains(&place)))
    }

    /// Where a scenario could meet others.
    fn meetings(&self, candidate: &Candidate) -> impl Iterator<Item = Meeting> {
        let target = &self.options.target;
        let plans = &candidate.plans;
        let topics = plans.iter().filter(|_| target.shares_topics()).flat_map(|plan| &plan.topics);
        let producers =
            plans.iter().filter(|_| target.shares_transactions()).flat_map(|plan| &plan.producers);
        let ids = producers
            .flat_map(|producer| &producer.config)
            .filter(|setting| setting.key == "transactional.id")
            .map(|setting| Meeting::TransactionalId(setting.value.clone()));
        topics.map(|topic| Meeting::Topic(Arc::clone(&topic.name))).chain(ids)
    }

    fn start(&mut self, place: usize, candidate: Candidate) {
        let (name, path) = (candidate.name.clone(), candidate.path.clone());
        if self.stopping || self.interrupt.is_cancelled() {
            return self.keep(place, Outcome::without_run(name, path, Verdict::NotRun));
        }
        if !candidate.is_right() {
            return self.keep(place, candidate.refused());
        }
        (self.progress)(Progress::Started { name: &name });
        let meetings = self.meetings(&candidate).collect();
        let task = self.tasks.spawn((self.run)(candidate));
        let broken = Outcome::without_run(name, path, Verdict::Broken);
        self.running.insert(task.id(), Running { place, broken, meetings });
    }

    fn end(&mut self, joined: Result<(Id, Outcome), JoinError>) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(Running { place, broken, .. }) = self.running.remove(&id) else { return };
        let outcome = match joined {
            Ok((_, outcome)) => outcome,
            Err(error) => Outcome { trouble: Some(error.to_string()), ..broken },
        };
        self.keep(place, outcome);
    }

    /// Hands out what is next in the order of the files.
    fn keep(&mut self, place: usize, outcome: Outcome) {
        (self.progress)(Progress::Ended { name: &outcome.name });
        self.stopping |= outcome.ends_all || self.options.fail_fast && !outcome.verdict.is_good();
        self.ended[place] = Some(outcome);
        while let Some(Some(outcome)) = self.ended.get(self.delivered) {
            (self.progress)(Progress::Outcome(outcome));
            self.delivered += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::plan::{self, Origin, Plan, Setting};
    use crate::run::{ForeignCluster, Target};
    use crate::snapshot::{Mirror, Policy};
    use crate::source::Source;

    /// Scenarios that wait until the test says how each ends.
    struct Stage {
        options: Options,
        interrupt: CancellationToken,
        /// Says by name which scenario has begun, with what ends it.
        begun: mpsc::UnboundedSender<(String, oneshot::Sender<Verdict>)>,
        seen: Arc<Mutex<Vec<String>>>,
    }

    impl Stage {
        fn new(jobs: usize) -> (Self, mpsc::UnboundedReceiver<(String, oneshot::Sender<Verdict>)>) {
            let (begun, begins) = mpsc::unbounded_channel();
            let options = Options {
                jobs,
                repeat: NonZeroU32::MIN,
                fail_fast: false,
                policy: Policy::default(),
                target: Target::Embedded,
            };
            let stage = Self { options, interrupt: CancellationToken::new(), begun, seen: Arc::default() };
            (stage, begins)
        }

        async fn run(&self, candidates: Vec<Candidate>) -> Vec<(String, Verdict)> {
            let run = |candidate: Candidate| {
                let (end, ends) = oneshot::channel();
                self.begun.send((candidate.name.clone(), end)).unwrap();
                let interrupt = self.interrupt.clone();
                async move {
                    let verdict = tokio::select! {
                        verdict = ends => verdict.expect("the scenario breaks"),
                        () = interrupt.cancelled() => Verdict::Interrupted,
                    };
                    Outcome::without_run(candidate.name, candidate.path, verdict)
                }
            };
            let mut progress = |progress: Progress<'_>| {
                self.seen.lock().unwrap().push(match progress {
                    Progress::Planned { scenarios } => format!("{scenarios} planned"),
                    Progress::Started { name } => format!("{name} started"),
                    Progress::Ended { name } => format!("{name} ended"),
                    Progress::Outcome(outcome) => format!("{} {}", outcome.name, outcome.verdict.word()),
                });
            };
            let jobs = Jobs::new(&self.options, &self.interrupt, &mut progress, run);
            let outcomes = jobs.all(candidates).await.into_iter();
            outcomes.map(|outcome| (outcome.name, outcome.verdict)).collect()
        }
    }

    fn plans(text: &str) -> Vec<Arc<Plan>> {
        let source = Arc::new(Source::new("a.yaml", text));
        let loaded = plan::of(&source, plan::Options { name: "a", settings: &[] });
        loaded.plans.into_iter().map(Arc::new).collect()
    }

    fn candidates(names: &[&str]) -> Vec<Candidate> {
        let candidate = |name: &&str| Candidate {
            name: (*name).to_owned(),
            path: name.into(),
            mirror: Mirror::of(Path::new(name), Path::new("/")),
            plans: plans("topic: t\ncount: 1\n"),
            settings: Vec::new(),
            diagnostics: Vec::new(),
        };
        names.iter().map(candidate).collect()
    }

    /// Waits until so many have begun.
    async fn begun(
        begins: &mut mpsc::UnboundedReceiver<(String, oneshot::Sender<Verdict>)>,
        count: usize,
    ) -> BTreeMap<String, oneshot::Sender<Verdict>> {
        let mut begun = BTreeMap::new();
        while begun.len() < count {
            begun.extend(begins.recv().await);
        }
        begun
    }

    #[tokio::test]
    async fn outcomes_come_in_the_order_of_the_files() {
        let (stage, mut begins) = Stage::new(3);
        let script = async {
            let mut ends = begun(&mut begins, 3).await;
            ends.remove("c").unwrap().send(Verdict::Passed).unwrap();
            let (name, d) = begins.recv().await.unwrap();
            assert_eq!(name, "d");
            for end in [ends.remove("b").unwrap(), ends.remove("a").unwrap(), d] {
                end.send(Verdict::Passed).unwrap();
            }
        };
        let (outcomes, ()) = tokio::join!(stage.run(candidates(&["a", "b", "c", "d"])), script);
        let names: Vec<_> = outcomes.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        let seen = stage.seen.lock().unwrap();
        let passed: Vec<_> = seen.iter().filter(|line| line.ends_with("passed")).collect();
        assert_eq!(passed, ["a passed", "b passed", "c passed", "d passed"]);
        assert_eq!(seen[4], "c ended", "what has ended is known before its turn comes");
    }

    #[tokio::test]
    async fn an_interruption_says_what_ran_and_what_did_not() {
        let (stage, mut begins) = Stage::new(2);
        let script = async {
            let mut ends = begun(&mut begins, 2).await;
            ends.remove("a").unwrap().send(Verdict::Passed).unwrap();
            let c = begins.recv().await;
            stage.interrupt.cancel();
            (ends, c)
        };
        let (outcomes, _) = tokio::join!(stage.run(candidates(&["a", "b", "c", "d"])), script);
        let verdicts: Vec<_> = outcomes.into_iter().map(|(_, verdict)| verdict).collect();
        assert_eq!(verdicts, [Verdict::Passed, Verdict::Interrupted, Verdict::Interrupted, Verdict::NotRun]);
    }

    #[tokio::test]
    async fn with_fail_fast_no_other_one_is_started() {
        let (mut stage, mut begins) = Stage::new(1);
        stage.options.fail_fast = true;
        let script = async {
            let mut ends = begun(&mut begins, 1).await;
            ends.remove("a").unwrap().send(Verdict::New).unwrap();
        };
        let (outcomes, ()) = tokio::join!(stage.run(candidates(&["a", "b"])), script);
        assert_eq!(outcomes, [("a".into(), Verdict::New), ("b".into(), Verdict::NotRun)]);
    }

    #[tokio::test]
    async fn one_that_breaks_breaks_no_other() {
        let (stage, mut begins) = Stage::new(1);
        let script = async {
            drop(begun(&mut begins, 1).await);
            let mut ends = begun(&mut begins, 1).await;
            ends.remove("b").unwrap().send(Verdict::Passed).unwrap();
        };
        let (outcomes, ()) = tokio::join!(stage.run(candidates(&["a", "b"])), script);
        assert_eq!(outcomes, [("a".into(), Verdict::Broken), ("b".into(), Verdict::Passed)]);
    }

    #[tokio::test]
    async fn two_with_one_transactional_id_never_run_at_once() {
        let (mut stage, mut begins) = Stage::new(2);
        stage.options.target = Target::Foreign(ForeignCluster { bootstrap: Vec::new(), fresh_topics: true });
        let mut all = candidates(&["a", "b", "c"]);
        for candidate in &mut all[..2] {
            let id = Setting {
                key: "transactional.id".to_owned(),
                value: "payments".to_owned(),
                origin: Origin::CommandLine,
            };
            Arc::make_mut(&mut candidate.plans[0]).producers[0].config.push(id);
        }
        let script = async {
            let mut ends = begun(&mut begins, 2).await;
            assert_eq!(ends.keys().collect::<Vec<_>>(), ["a", "c"]);
            ends.remove("a").unwrap().send(Verdict::Passed).unwrap();
            begun(&mut begins, 1).await.remove("b").unwrap().send(Verdict::Passed).unwrap();
            ends.remove("c").unwrap().send(Verdict::Passed).unwrap();
        };
        let (outcomes, ()) = tokio::join!(stage.run(all), script);
        assert_eq!(outcomes.len(), 3);
    }

    #[tokio::test]
    async fn two_that_would_meet_in_a_topic_never_run_at_once() {
        let (mut stage, mut begins) = Stage::new(2);
        let cluster = ForeignCluster { bootstrap: Vec::new(), fresh_topics: false };
        stage.options.target = Target::Foreign(cluster);
        let mut all = candidates(&["a", "b", "c"]);
        Arc::make_mut(&mut all[2].plans[0]).topics[0].name = "another".into();
        let script = async {
            let mut ends = begun(&mut begins, 2).await;
            assert_eq!(ends.keys().collect::<Vec<_>>(), ["a", "c"], "the third need not wait for the first");
            ends.remove("c").unwrap().send(Verdict::Passed).unwrap();
            ends.remove("a").unwrap().send(Verdict::Passed).unwrap();
            begun(&mut begins, 1).await.remove("b").unwrap().send(Verdict::Passed).unwrap();
        };
        let (outcomes, ()) = tokio::join!(stage.run(all), script);
        assert_eq!(outcomes.len(), 3);
    }

    #[tokio::test]
    async fn all_combinations_count_for_where_they_would_meet() {
        let (mut stage, mut begins) = Stage::new(2);
        let cluster = ForeignCluster { bootstrap: Vec::new(), fresh_topics: false };
        stage.options.target = Target::Foreign(cluster);
        let mut all = candidates(&["a", "b", "c"]);
        all[0].plans = plans("topic: u\ncount: 1\n");
        all[1].plans = plans("matrix: {name: [v, u]}\ntopic: ${name}\ncount: 1\n");
        let script = async {
            let mut ends = begun(&mut begins, 2).await;
            assert_eq!(ends.keys().collect::<Vec<_>>(), ["a", "c"], "the second combination of b meets a");
            ends.remove("a").unwrap().send(Verdict::Passed).unwrap();
            begun(&mut begins, 1).await.remove("b").unwrap().send(Verdict::Passed).unwrap();
            ends.remove("c").unwrap().send(Verdict::Passed).unwrap();
        };
        let (outcomes, ()) = tokio::join!(stage.run(all), script);
        assert_eq!(outcomes.len(), 3);
    }

    #[tokio::test]
    async fn a_wrong_file_takes_no_turn() {
        let (stage, mut begins) = Stage::new(1);
        let mut all = candidates(&["a", "b"]);
        all[0].plans.clear();
        let script = async {
            let mut ends = begun(&mut begins, 1).await;
            ends.remove("b").unwrap().send(Verdict::Passed).unwrap();
        };
        let (outcomes, ()) = tokio::join!(stage.run(all), script);
        assert_eq!(outcomes, [("a".into(), Verdict::Mistake), ("b".into(), Verdict::Passed)]);
    }
}
