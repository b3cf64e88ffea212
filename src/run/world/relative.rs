//! Offsets of callbacks, relative to where the logs ended when the run began.

use std::collections::HashMap;
use std::sync::Arc;

use crate::id::{Offset, ProducerIndex, TopicPartition};
use crate::plan::Plan;
use crate::producer::Sink;
use crate::trace::{Callback, Code, Recorder};

use super::target::Located;

/// Hands on to a recorder what producers report of logs that did not begin with the run.
pub(super) struct Relative {
    plan: Arc<Plan>,
    recorder: Arc<Recorder>,
    starts: HashMap<TopicPartition, Offset>,
}

impl Relative {
    pub(super) fn new(plan: &Arc<Plan>, recorder: &Arc<Recorder>, partitions: &[Located]) -> Self {
        Self {
            plan: Arc::clone(plan),
            recorder: Arc::clone(recorder),
            starts: partitions.iter().map(|located| (located.partition, located.start)).collect(),
        }
    }

    fn relative(&self, callback: &Callback) -> Callback {
        let start = || {
            let topic = self.plan.batch_of(callback.submission.message)?.topic;
            self.starts.get(&TopicPartition { topic, partition: callback.partition? })
        };
        let offset = callback.offset.map(|offset| Offset(offset.0 - start().map_or(0, |start| start.0)));
        Callback { offset, ..*callback }
    }
}

impl Sink for Relative {
    fn callbacks(&self, callbacks: &[Callback]) {
        self.recorder.callbacks(callbacks.iter().map(|callback| self.relative(callback)));
    }

    fn fatal(&self, producer: ProducerIndex, code: Code) {
        Sink::fatal(&*self.recorder, producer, code);
    }

    fn said(&self, producer: ProducerIndex, code: Code, words: &str) {
        Sink::said(&*self.recorder, producer, code, words);
    }
}
