//! Sends in every mode.

mod together;

use crate::plan::{Callbacks, Mode, OnTimeout, Plan, QueueFull};
use crate::run::tests::fixture::plan;
use crate::run::tests::scripted::{Answer, Script};
use crate::run::tests::{TINY, assert_run, send};
use crate::trace::ClientError;

mod again {
    use super::*;
    use crate::id::{MessageId, Submission};
    use crate::plan::Action;

    fn again(messages: &[u32], mode: Mode) -> Action {
        let second = |message: &u32| Submission { message: MessageId(*message), again: 1 };
        Action::Again { submissions: messages.iter().map(second).collect(), mode }
    }

    #[test]
    fn a_second_submission_is_waited_for_as_a_first_one() {
        let plan = plan(&[send(0, Mode::Sync), again(&[1, 0], Mode::Sync)], &[2]);
        let script = Script::answering(Answer::AtOnce);
        assert_run(&plan, &script, "send 0\nok 0\nsend 1\nok 1\nsend 1'\nok 1'\nsend 0'\nok 0'");
    }

    #[test]
    fn a_time_out_names_the_submission() {
        let plan = Plan { ack_wait: TINY, ..plan(&[send(0, Mode::Async), again(&[0, 1], Mode::Sync)], &[2]) };
        let script = Script::answering(Answer::OnFlush);
        let expected = "send 0\nsend 1\nsend 0'\ntimeout 0'\ntimeout 0..1\nlate 0\nlate 1\nlate 0'";
        assert_run(&plan, &script, expected);
    }
}

mod sync {
    use super::*;

    #[test]
    fn each_send_waits_for_the_one_before() {
        let plan = plan(&[send(0, Mode::Sync)], &[3]);
        let script = Script::answering(Answer::AtOnce);
        assert_run(&plan, &script, "send 0\nok 0\nsend 1\nok 1\nsend 2\nok 2");
    }

    #[test]
    fn a_time_out_stops_the_rest_and_the_answer_comes_late() {
        let plan = Plan { ack_wait: TINY, ..plan(&[send(0, Mode::Sync), send(1, Mode::Sync)], &[3, 2]) };
        let script = Script::answering(Answer::OnFlush);
        assert_run(&plan, &script, "send 0\ntimeout 0\nnot sent 1 and 1 more\nnot sent 3 and 1 more\nlate 0");
    }

    #[test]
    fn a_time_out_of_the_last_stops_only_the_steps_behind() {
        let plan = Plan { ack_wait: TINY, ..plan(&[send(0, Mode::Sync), send(1, Mode::Sync)], &[1, 2]) };
        let script = Script::answering(Answer::OnFlush);
        assert_run(&plan, &script, "send 0\ntimeout 0\nnot sent 1 and 1 more\nlate 0");
    }

    #[test]
    fn with_continue_each_wait_has_its_own_time_out() {
        let plan =
            Plan { ack_wait: TINY, on_timeout: OnTimeout::Continue, ..plan(&[send(0, Mode::Sync)], &[3]) };
        let script = Script { answers: vec![(0, Answer::With(2))], ..Script::answering(Answer::OnFlush) };
        let expected = "send 0\ntimeout 0\nsend 1\ntimeout 1\nsend 2\nlate 0\ntimeout 2\nlate 1\nlate 2";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn a_refused_send_is_not_waited_for() {
        let plan = plan(&[send(0, Mode::Sync)], &[2]);
        let script =
            Script { refused: vec![(0, ClientError::TooLarge)], ..Script::answering(Answer::AtOnce) };
        assert_run(&plan, &script, "send 0\nsend_failed 0 too_large\nsend 1\nok 1");
    }
}

mod at_once {
    use super::*;

    #[test]
    fn all_sends_leave_before_any_answer() {
        let plan = plan(&[send(0, Mode::Async)], &[3]);
        let script = Script::answering(Answer::With(2));
        assert_run(&plan, &script, "send 0\nsend 1\nsend 2\nok 0\nok 1\nok 2");
    }

    #[test]
    fn one_time_out_after_the_last_send_names_all_that_are_outstanding() {
        for on_timeout in [OnTimeout::Stop, OnTimeout::Continue] {
            let plan = Plan { ack_wait: TINY, on_timeout, ..plan(&[send(0, Mode::Async)], &[4]) };
            let script = Script { answers: vec![(1, Answer::AtOnce)], ..Script::answering(Answer::OnFlush) };
            let expected = "send 0\nsend 1\nok 1\nsend 2\nsend 3\ntimeout 0, 2..3\nlate 0\nlate 2\nlate 3";
            assert_run(&plan, &script, expected);
        }
    }

    #[test]
    fn it_does_not_name_what_a_synchronous_wait_has_named_nor_what_nobody_waited_for() {
        let steps = [send(0, Mode::Sync), send(1, Mode::Window(3)), send(2, Mode::Async)];
        let plan = Plan { ack_wait: TINY, on_timeout: OnTimeout::Continue, ..plan(&steps, &[1, 1, 1]) };
        let script = Script::answering(Answer::OnFlush);
        assert_run(&plan, &script, "send 0\ntimeout 0\nsend 1\nsend 2\ntimeout 2\nlate 0\nok 1\nlate 2");
    }

    #[test]
    fn a_refused_send_stands_between_the_others() {
        let plan = plan(&[send(0, Mode::Async)], &[3]);
        let script =
            Script { refused: vec![(1, ClientError::TooLarge)], ..Script::answering(Answer::OnFlush) };
        let plan = Plan { ack_wait: TINY, ..plan };
        let expected = "send 0\nsend 1\nsend_failed 1 too_large\nsend 2\ntimeout 0, 2\nlate 0\nlate 2";
        assert_run(&plan, &script, expected);
    }
}

mod window {
    use super::*;

    #[test]
    fn at_most_so_many_are_unacknowledged() {
        let plan = plan(&[send(0, Mode::Window(2))], &[5]);
        let answers = vec![(0, Answer::With(1)), (1, Answer::With(2)), (2, Answer::With(2))];
        let script = Script { answers, ..Script::answering(Answer::AtOnce) };
        assert_run(&plan, &script, "send 0\nsend 1\nok 0\nsend 2\nok 1\nok 2\nsend 3\nok 3\nsend 4\nok 4");
    }

    #[test]
    fn any_answer_makes_way_not_only_that_of_the_oldest() {
        let plan = plan(&[send(0, Mode::Window(2))], &[4]);
        let answers = vec![(0, Answer::OnFlush)];
        let script = Script { answers, ..Script::answering(Answer::AtOnce) };
        assert_run(&plan, &script, "send 0\nsend 1\nok 1\nsend 2\nok 2\nsend 3\nok 3\nok 0");
    }

    #[test]
    fn a_time_out_names_the_oldest_and_stops() {
        let plan = Plan { ack_wait: TINY, ..plan(&[send(0, Mode::Window(2))], &[5]) };
        let script = Script::answering(Answer::OnFlush);
        assert_run(&plan, &script, "send 0\nsend 1\ntimeout 0\nnot sent 2 and 2 more\nlate 0\nok 1");
    }

    #[test]
    fn with_continue_the_oldest_leaves_the_window() {
        let plan = Plan {
            ack_wait: TINY,
            on_timeout: OnTimeout::Continue,
            ..plan(&[send(0, Mode::Window(2))], &[4])
        };
        let script = Script::answering(Answer::OnFlush);
        let expected = "send 0\nsend 1\ntimeout 0\nsend 2\ntimeout 1\nsend 3\nlate 0\nlate 1\nok 2\nok 3";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn a_window_of_one_is_synchronous() {
        let plan = plan(&[send(0, Mode::Window(1))], &[3]);
        let script = Script::answering(Answer::AtOnce);
        assert_run(&plan, &script, "send 0\nok 0\nsend 1\nok 1\nsend 2\nok 2");
    }
}

mod full {
    use super::*;

    fn with_room(room: usize, answer: Answer) -> Script {
        Script { room, ..Script::answering(answer) }
    }

    #[test]
    fn a_send_that_waits_for_room_is_one_send() {
        let plan = plan(&[send(0, Mode::Async)], &[4]);
        let script = with_room(2, Answer::With(3));
        assert_run(&plan, &script, "send 0\nsend 1\nsend 2\nok 0\nsend 3\nok 1\nok 2\nok 3");
    }

    #[test]
    fn room_that_was_made_while_the_client_refused_is_room() {
        let plan = plan(&[send(0, Mode::Async)], &[2]);
        let script = Script { answers_first: true, ..with_room(1, Answer::With(1)) };
        assert_run(&plan, &script, "send 0\nsend 1\nok 0\nok 1");
    }

    #[test]
    fn it_is_a_refusal_where_the_scenario_says_so() {
        let plan =
            Plan { queue_full: QueueFull::Fail, ack_wait: TINY, ..plan(&[send(0, Mode::Async)], &[4]) };
        let script = with_room(2, Answer::OnFlush);
        let expected = "send 0\nsend 1\nsend 2\nsend_failed 2 queue_full\nsend 3\nsend_failed 3 queue_full\n\
            timeout 0..1\nlate 0\nlate 1";
        assert_run(&plan, &script, expected);
    }

    #[test]
    fn room_that_never_comes_stops_or_not() {
        let script = with_room(0, Answer::OnFlush);
        for mode in [Mode::Async, Mode::Sync, Mode::Window(2)] {
            let stopping = plan(&[send(0, mode)], &[3]);
            assert_run(&stopping, &script, "send 0\nsend_failed 0 queue_full\nnot sent 1 and 1 more");
            let going = Plan { on_timeout: OnTimeout::Continue, ..plan(&[send(0, mode)], &[2]) };
            let expected = "send 0\nsend_failed 0 queue_full\nsend 1\nsend_failed 1 queue_full";
            assert_run(&going, &script, expected);
        }
    }

    #[test]
    fn callbacks_are_served_while_it_waits_even_in_an_application_that_serves_them_only_then() {
        let plan = Plan { callbacks: Callbacks::OnWait, ..plan(&[send(0, Mode::Async)], &[4]) };
        let script = with_room(2, Answer::AtOnce);
        assert_run(&plan, &script, "send 0\nsend 1\nsend 2\nok 0\nsend 3\nok 1\nok 2\nok 3");
    }
}
