//! What readers ask for, and the sessions in which they need not say it again (KIP-227; `FetchManager`, `FetchContext`).

mod cache;
mod request;
mod session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use crate::broker::node::reader::cache::Cache;
use crate::kafka::ErrorCode;

pub(in crate::broker) use request::{Asked, Key, Refused, Wanted};
pub(in crate::broker) use session::{Answered, Session};

/// `FetchMetadata.INITIAL_EPOCH` and `FINAL_EPOCH`: a request that names everything, and that wants a session, or none.
const INITIAL: i32 = 0;
const FINAL: i32 = -1;
/// `FetchMetadata.INVALID_SESSION_ID`.
const NO_SESSION: i32 = 0;

/// What is to be read for a request, and how it is answered.
#[derive(Debug)]
pub(in crate::broker) enum Context {
    /// Without a session.
    Once,
    /// The first one of a session.
    First,
    /// The next one of a session.
    Next(Arc<Mutex<Session>>),
}

/// The sessions of a broker.
#[derive(Debug, Default)]
pub(in crate::broker) struct Sessions(Mutex<Cache>);

impl Sessions {
    /// Finds out what a request wants: all that its session names, after it has changed that. `resolve` tells the name
    /// of a topic.
    pub(in crate::broker) fn begin(
        &self,
        asked: Asked,
        rows: Vec<Wanted>,
        forgotten: &[Key],
        (now, resolve): (i64, &dyn Fn(Uuid) -> Option<TopicName>),
    ) -> Result<(Context, Vec<Wanted>), Refused> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if [INITIAL, FINAL].contains(&asked.epoch) {
            if asked.id != NO_SESSION {
                cache.remove(asked.id)?;
            }
            let context = if asked.epoch == FINAL { Context::Once } else { Context::First };
            return Ok((context, rows));
        }
        let known = cache.get(asked.id)?.ok_or(Refused::Session(ErrorCode::FETCH_SESSION_ID_NOT_FOUND))?;
        let mut session = lock(&known);
        if session.epoch != asked.epoch {
            return Err(Refused::Session(ErrorCode::INVALID_FETCH_SESSION_EPOCH));
        }
        if session.by_id != asked.by_id {
            return Err(Refused::Session(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR));
        }
        session.update(&rows, forgotten);
        if session.is_empty() {
            drop(session);
            cache.remove(asked.id)?;
            return Ok((Context::Once, rows));
        }
        session.epoch = next(session.epoch);
        let wanted = session.wanted(resolve);
        cache.touch(asked.id, &session, now);
        drop(session);
        Ok((Context::Next(known), wanted))
    }

    /// Takes what a session need not be told out of an answer, and returns the error and the session that it names.
    pub(in crate::broker) fn finish(
        &self,
        (context, asked, wanted): (&Context, Asked, &[Wanted]),
        answered: &mut Vec<Answered>,
        now: i64,
    ) -> (ErrorCode, i32) {
        match context {
            Context::Once => (ErrorCode::NONE, NO_SESSION),
            Context::First => {
                let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let id = cache.grant(asked, answered.len(), now, || Session::new(asked, wanted, answered));
                (ErrorCode::NONE, id.unwrap_or(NO_SESSION))
            }
            Context::Next(session) => {
                let mut session = lock(session);
                // Somebody has sent the next request before this one was answered.
                if session.epoch != next(asked.epoch) {
                    answered.clear();
                    return (ErrorCode::INVALID_FETCH_SESSION_EPOCH, asked.id);
                }
                session.select(answered);
                (ErrorCode::NONE, asked.id)
            }
        }
    }
}

fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `FetchMetadata.nextEpoch`.
fn next(epoch: i32) -> i32 {
    match epoch {
        i32::MIN..0 => FINAL,
        i32::MAX => 1,
        _ => epoch + 1,
    }
}
