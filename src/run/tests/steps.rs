//! The other steps, and the ends of a run.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::fixture::plan;
use super::scripted::{Answer, Script, run, run_until};
use super::{TINY, assert_run, send};
use crate::id::ProducerIndex;
use crate::plan::{Action, Callbacks, Mode, Plan, Purge};
use crate::run::application::Halt;
use crate::trace::Ending;

mod take {
    use super::*;

    fn wait(within: Duration) -> Action {
        Action::WaitCallbacks { within }
    }

    fn flush(within: Duration) -> Action {
        Action::Flush { producer: None, within }
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_wait_ends_with_the_last_callback() {
        let plan = plan(&[send(0, Mode::Async), wait(LONG)], &[2]);
        let script = Script::answering(Answer::AtOnce);
        assert_run(&plan, &script, "send 0\nok 0\nsend 1\nok 1\nstep 1\nstep 1 done");
    }

    #[test]
    fn a_wait_that_passes_its_limit_says_how_many_are_missing() {
        let plan = Plan { ack_wait: TINY, ..plan(&[send(0, Mode::Async), wait(TINY)], &[3]) };
        let script = Script { answers: vec![(0, Answer::AtOnce)], ..Script::answering(Answer::OnFlush) };
        let expected = "send 0\nok 0\nsend 1\nsend 2\nstep 1\nstep 1 timed out, 2 left\n\
            timeout 1..2\nlate 1\nlate 2";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn a_flush_brings_out_what_the_client_holds_back() {
        let plan = plan(&[send(0, Mode::Async), flush(LONG), send(1, Mode::Sync)], &[2, 1]);
        let script = Script { answers: vec![(2, Answer::AtOnce)], ..Script::answering(Answer::OnFlush) };
        assert_run(&plan, &script, "send 0\nsend 1\nstep 1\nok 0\nok 1\nstep 1 done\nsend 2\nok 2");
    }

    #[test]
    fn a_close_with_something_unanswered_leaves_it_so_and_the_end_does_not_wait_for_it() {
        let close = Action::Close { producer: ProducerIndex(0), within: Some(TINY), purge: Purge::default() };
        let plan = plan(&[send(0, Mode::Async), close], &[2]);
        let script = Script { answers: vec![(1, Answer::Never)], ..Script::answering(Answer::OnFlush) };
        assert_run(&plan, &script, "send 0\nsend 1\nstep 1\nok 0\nstep 1 timed out, 1 left");
    }

    #[test]
    fn a_close_may_throw_away_what_is_not_sent() {
        let purge = Purge { queue: true, in_flight: false };
        let close = Action::Close { producer: ProducerIndex(0), within: None, purge };
        let plan = plan(&[send(0, Mode::Async), close], &[2]);
        let script = Script { answers: vec![(0, Answer::AtOnce)], ..Script::answering(Answer::OnFlush) };
        assert_run(&plan, &script, "send 0\nok 0\nsend 1\nstep 1\nerr 1\nstep 1 done");
    }

    #[test]
    fn a_purge_throws_away_and_the_producer_goes_on() {
        let what = Purge { queue: true, in_flight: false };
        let purge = Action::Purge { producer: ProducerIndex(0), what };
        let plan = plan(&[send(0, Mode::Async), flush(TINY), purge, send(1, Mode::Sync)], &[2, 1]);
        let script = Script { answers: vec![(2, Answer::AtOnce)], ..Script::answering(Answer::Never) };
        let expected = "send 0\nsend 1\nstep 1\nstep 1 timed out, 2 left\n\
            step 2\nerr 0\nerr 1\nstep 2 done\nsend 2\nok 2";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn an_exit_hears_nothing_and_waits_for_nothing() {
        let plan = plan(&[send(0, Mode::Async), Action::Exit], &[2]);
        let script = Script { answers: vec![(0, Answer::AtOnce)], ..Script::answering(Answer::OnFlush) };
        assert_run(&plan, &script, "send 0\nok 0\nsend 1\nstep 1\nstep 1 done");
    }

    #[test]
    fn steps_behind_a_stop_are_skipped() {
        let steps = [send(0, Mode::Sync), flush(LONG), wait(LONG), send(1, Mode::Async)];
        let plan = Plan { ack_wait: TINY, ..plan(&steps, &[1, 2]) };
        let script = Script::answering(Answer::OnFlush);
        let expected = "send 0\ntimeout 0\nstep 1 skipped\nstep 2 skipped\nnot sent 1 and 1 more\nlate 0";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn callbacks_on_wait_come_at_waits_flushes_and_the_end_alone() {
        let steps =
            [send(0, Mode::Async), wait(LONG), send(1, Mode::Async), flush(LONG), send(2, Mode::Async)];
        let plan = Plan { callbacks: Callbacks::OnWait, ..plan(&steps, &[2, 2, 1]) };
        let script = Script::answering(Answer::AtOnce);
        let expected = "send 0\nsend 1\nstep 1\nok 0\nok 1\nstep 1 done\nsend 2\nsend 3\nstep 3\nok 2\nok 3\n\
            step 3 done\nsend 4\nok 4";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn a_window_on_wait_serves_no_more_than_it_needs() {
        let plan = Plan { callbacks: Callbacks::OnWait, ..plan(&[send(0, Mode::Window(3))], &[5]) };
        let script = Script::answering(Answer::AtOnce);
        assert_run(&plan, &script, "send 0\nsend 1\nsend 2\nok 0\nsend 3\nok 1\nsend 4\nok 2\nok 3\nok 4");
    }
}

mod transactions {
    use super::*;
    use crate::plan::{ClusterStep, TransactionCall};
    use crate::producer::Unsuccessful;
    use crate::trace::{ClientError, Code};

    fn call(call: TransactionCall, within: Duration) -> Action {
        Action::Transaction { producer: ProducerIndex(0), call, within }
    }

    /// A plan whose producer is opened by its first `begin`.
    fn transactional(actions: &[Action], counts: &[u32]) -> Plan {
        let mut plan = plan(actions, counts);
        plan.producers[0].transactional = true;
        plan
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_commit_is_asked_for_behind_the_callbacks() {
        let steps =
            [call(TransactionCall::Begin, LONG), send(0, Mode::Async), call(TransactionCall::Commit, LONG)];
        let script = Script::answering(Answer::OnFlush);
        let expected = "step 0\nstep 0 done\nsend 0\nsend 1\nok 0\nok 1\nstep 2\nstep 2 done";
        assert_run(&transactional(&steps, &[2]), &script, expected);
    }

    #[test]
    fn a_commit_whose_callbacks_do_not_come_is_not_asked_for_and_an_abort_need_not_wait() {
        let abort = TransactionCall::Abort { flush: false };
        let steps = [
            call(TransactionCall::Begin, LONG),
            send(0, Mode::Async),
            call(TransactionCall::Commit, TINY),
            call(abort, LONG),
        ];
        let script = Script::answering(Answer::Never);
        let expected =
            "step 0\nstep 0 done\nsend 0\nstep 2\nstep 2 timed out, 1 left\nstep 3\nok 0\nstep 3 done";
        assert_run(&transactional(&steps, &[1]), &script, expected);
    }

    #[test]
    fn what_ends_a_transaction_has_three_outcomes_and_what_begins_it_two() {
        for (word, certain, step, expected) in [
            ("Initialise", true, TransactionCall::Begin, "failed, fenced"),
            ("Begin", false, TransactionCall::Begin, "failed, fenced"),
            ("Commit", true, TransactionCall::Commit, "failed, fenced"),
            ("Commit", false, TransactionCall::Commit, "unknown, fenced"),
            ("Nothing", false, TransactionCall::Commit, "done"),
        ] {
            let begins = step == TransactionCall::Begin;
            let mut steps = vec![call(TransactionCall::Begin, LONG)];
            steps.extend((!begins).then(|| call(step, LONG)));
            let code = Code::Client(ClientError::Fenced);
            let why = Unsuccessful { code, certain, words: String::new() };
            let script = Script { unsuccessful: vec![(word, why)], ..Script::answering(Answer::AtOnce) };
            let (happened, _) = run(&transactional(&steps, &[]), &script);
            let last = happened.lines().last().unwrap();
            assert_eq!(last, format!("step {} {expected}", steps.len() - 1));
        }
    }

    #[test]
    fn what_the_cluster_cannot_do_ends_the_run_at_its_step() {
        let steps = [
            Action::Cluster(ClusterStep::Resume),
            Action::Cluster(ClusterStep::Stop(crate::id::BrokerId(1))),
            send(0, Mode::Async),
        ];
        let (happened, ending) = run(&plan(&steps, &[1]), &Script::answering(Answer::AtOnce));
        assert_eq!(happened, "step 0\nstep 0 done\nstep 1\n");
        let why = "there is no such broker".to_owned();
        assert_eq!(ending.unwrap(), Ending::Refused { step: 1, why });
    }
}

mod ends {
    use super::*;

    #[track_caller]
    fn assert_deadline(plan: &Plan, step: Option<usize>, waited_for: &str) {
        let plan = Plan { deadline: TINY, ..plan.clone() };
        let (_, ending) = run(&plan, &Script::answering(Answer::Never));
        assert_eq!(
            ending.unwrap(),
            Ending::Deadline { step, waited_for: waited_for.to_owned(), held: Vec::new() }
        );
    }

    #[test]
    fn the_deadline_ends_every_wait_and_says_what_it_was_for() {
        let wait = Action::WaitCallbacks { within: Duration::from_mins(1) };
        let flush = Action::Flush { producer: None, within: Duration::from_mins(1) };
        assert_deadline(&plan(&[send(0, Mode::Sync)], &[2]), Some(0), "the callback of 0");
        assert_deadline(&plan(&[send(0, Mode::Window(2))], &[3]), Some(0), "the callback of 0");
        assert_deadline(&plan(&[send(0, Mode::Async)], &[2]), None, "the callbacks of 0..1");
        assert_deadline(&plan(&[send(0, Mode::Async), wait], &[2]), Some(1), "the callbacks of 0..1");
        let missing = "a flush, with the callbacks of 0..1 missing";
        assert_deadline(&plan(&[send(0, Mode::Async), flush], &[2]), Some(1), missing);
    }

    #[test]
    fn an_interruption_ends_every_wait() {
        let wait = Action::WaitCallbacks { within: Duration::from_mins(1) };
        let flush = Action::Flush { producer: None, within: Duration::from_mins(1) };
        let plans = [
            plan(&[send(0, Mode::Sync)], &[2]),
            plan(&[send(0, Mode::Async), wait], &[2]),
            plan(&[send(0, Mode::Async), flush], &[2]),
        ];
        for plan in plans {
            let interrupt = CancellationToken::new();
            interrupt.cancel();
            let (_, ending) = run_until(&plan, &Script::answering(Answer::Never), &interrupt);
            assert!(matches!(ending, Err(Halt::Interrupted)), "{ending:?}");
        }
    }
}
