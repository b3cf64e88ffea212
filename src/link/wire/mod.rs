//! What stands in the frames, as far as the link must know it: pure functions from requests and answers to rows, and
//! from answers to other answers.

mod answer;
mod change;
mod fail;
mod metadata;
mod produce;
mod request;
mod row;

pub(super) use answer::{Due, answer, made};
pub(super) use change::Change;
pub(super) use metadata::{Addresses, Named};
pub(super) use produce::{tells_log_start, without};
pub(super) use request::{Asked, Known, ask};
pub(super) use row::{Failing, Leader, Place};
