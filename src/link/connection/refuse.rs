//! Errors in place of a broker's answers.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;
use tokio::io::AsyncWrite;

use crate::fault::{Fail, LeaderHint, MetadataContent, Phase, Verdict};
use crate::id::BrokerId;
use crate::kafka::{ErrorCode, Request, encode_request};
use crate::link::state::Held;
use crate::link::wire::{Asked, Change, Failing, Leader, Named, Place, made, tells_log_start, without};

use super::forward::{Flow, Forward};
use super::queue::{From, Pending, Taken, Then};

impl<S: AsyncWrite + Unpin> Forward<'_, S> {
    /// The client sees an error.
    pub(super) async fn fail(
        &mut self,
        taken: Taken,
        held: Option<Held>,
        verdict: &Verdict,
        fail: &Fail,
    ) -> Flow {
        let key = taken.due.map(|due| due.api.key);
        match key {
            Some(ApiKey::Metadata) => {
                let content = MetadataContent::Error(fail.error);
                let named = Named { topic: self.name_of(verdict.topic), content };
                self.send_and_wait(taken, Some(Change::Metadata(named)), held).await
            }
            Some(ApiKey::FindCoordinator | ApiKey::ApiVersions) => {
                let failing = self.failing(&taken, verdict, fail).await;
                self.send_and_wait(taken, Some(Change::Fail(failing)), held).await
            }
            _ if fail.phase == Phase::After => {
                let failing = self.failing(&taken, verdict, fail).await;
                self.send_and_wait(taken, Some(Change::Fail(failing)), held).await
            }
            _ => self.refuse(taken, held, verdict, fail).await,
        }
    }

    /// The taken parts do not reach the broker, the others do.
    async fn refuse(&mut self, taken: Taken, held: Option<Held>, verdict: &Verdict, fail: &Fail) -> Flow {
        if let Some(held) = held {
            held.released().await;
            // A broker whose answer cannot be sent handles nothing more of that connection.
            if self.line.gone.is_cancelled() {
                return Flow::Ends;
            }
        }
        let failing = self.failing(&taken, verdict, fail).await;
        let rest = taken.asked.as_ref().and_then(|asked| rest(asked, &failing.rows));
        let made = taken.asked.as_ref().map(|asked| made(asked, &failing, self.line.told));
        let answered = taken.answered;
        let (mut pending, _) = Pending::honest(taken);
        if !answered {
            // With acks=0 a broker that refuses something closes the connection, once it has handled the rest.
            (pending.from, pending.then) = (From::Nobody, Then::Close);
        } else if rest.is_some() {
            pending.change = Some(Change::Fail(failing));
        } else {
            (pending.from, pending.then) = match made {
                Some(Ok(answer)) => (From::Link(answer.bytes, answer.codes), Then::Give),
                _ => (From::Nobody, Then::Close),
            };
        }
        let expected = self.due.send(pending).is_ok();
        let written = match rest {
            Some(frame) => self.write_framed(frame).await,
            None => true,
        };
        if expected && answered && written { Flow::Goes } else { Flow::Ends }
    }

    /// The error with what an answer says beside it.
    async fn failing(&self, taken: &Taken, verdict: &Verdict, fail: &Fail) -> Failing {
        let (mut leaders, mut log_starts) = (HashMap::new(), HashMap::new());
        let count = taken.asked.as_ref().map_or(0, |asked| asked.rows.len());
        let rows = if verdict.rows.is_empty() { (0..count).collect() } else { verdict.rows.clone() };
        if let Some(asked) = &taken.asked {
            for at in &rows {
                let Some(place) = asked.places.get(*at) else { continue };
                if fail.error == ErrorCode::NOT_LEADER_OR_FOLLOWER {
                    leaders
                        .extend(self.leader(asked, *at, fail.leader_hint).await.map(|leader| (*at, leader)));
                }
                if fail.phase == Phase::Before && tells_log_start(fail) {
                    let broker = self.line.ends.broker;
                    let name = self.topic_of(asked, *at, place);
                    let start = self.line.told.ports.upstream.log_start(broker, &name, place.partition);
                    log_starts.extend(start.await.map(|start| (*at, start)));
                }
            }
        }
        Failing { fail: fail.clone(), rows, leaders, log_starts }
    }

    async fn leader(&self, asked: &Asked, at: usize, hint: LeaderHint) -> Option<Leader> {
        let upstream = &self.line.told.ports.upstream;
        let place = asked.places.get(at)?;
        let name = self.topic_of(asked, at, place);
        let led = upstream.leader(self.line.ends.broker, &name, place.partition);
        let (id, epoch) = match hint {
            LeaderHint::None => return None,
            LeaderHint::Announced => led.await.map(|led| (led.id, led.epoch))?,
            LeaderHint::Broker(broker) => (broker.0, led.await.map_or(-1, |led| led.epoch)),
        };
        Some(Leader { id, epoch, address: upstream.address(BrokerId(id)) })
    }

    /// What a topic is called on the cluster; from version 13 on a request has only its id.
    fn topic_of(&self, asked: &Asked, at: usize, place: &Place) -> String {
        let topic = asked.rows.get(at).and_then(|row| row.topic);
        self.name_of(topic).unwrap_or_else(|| place.name.0.to_string())
    }
}

/// The request without the parts that are taken, ready to be written; none if nothing is left of it.
fn rest(asked: &Asked, rows: &[usize]) -> Option<Bytes> {
    let Request::Produce(request) = &asked.incoming.request else { return None };
    if rows.len() >= asked.rows.len() {
        return None;
    }
    let client = asked.incoming.client_id.as_deref();
    let reduced = without(request, rows);
    let frame = encode_request(asked.incoming.version, asked.incoming.correlation_id, client, &reduced);
    frame.ok().map(bytes::BytesMut::freeze)
}
