//! What cannot be deterministic, however right it is.

use crate::diagnostic::{Code, Diagnostic};
use crate::scenario::model::{Include, SnapshotOrder, Tag};
use crate::scenario::{Callbacks, Field};

use super::super::message::Choice;
use super::super::plan::{Action, Batch, Mode, Producer};
use super::Compiler;
use super::faults::is_single;

/// librdkafka's partitioner where a producer names none.
const PARTITIONER: &str = "consistent_random";

impl Compiler<'_> {
    pub(super) fn warnings(&mut self) {
        self.random_partitions();
        self.loose_order();
        self.shared_requests();
        self.tagged();
        self.fault_warnings();
        self.racing_reactions();
    }

    /// No key and several partitions under a partitioner that chooses at random.
    fn random_partitions(&mut self) {
        let any =
            self.scenario.snapshot.value().is_some_and(|snapshot| snapshot.partitions.value().is_some());
        let random = |batch: &&Batch| {
            let partitions = self.topics.get(batch.topic.index()).map_or(1, |topic| topic.partitions);
            let producer = self.producers.get(batch.producer.index());
            partitions > 1
                && matches!(batch.message.shape.partition, Choice::Client)
                && producer
                    .is_some_and(|producer| chooses_at_random(producer, batch.message.shape.key.is_some()))
        };
        if let Some(batch) = self.batches.iter().find(random).filter(|_| !any) {
            let message = "the client chooses partitions at random here, so the logs differ from run to run";
            let help = "give messages a key or a partition, or write 'snapshot: {partitions: any}'";
            let warning = self.mistake(Code::RandomPartition, batch.span, message).help(help);
            self.report(warning);
        }
    }

    /// A total order where something else than the scenario decides it.
    fn loose_order(&mut self) {
        let order = self.scenario.snapshot.value().and_then(|snapshot| snapshot.order.get());
        let Some(total) = order.filter(|order| order.value == SnapshotOrder::Total) else { return };
        let unwaited = |action: &Action| matches!(action, Action::Send { mode, .. } | Action::Again { mode, .. } if *mode != Mode::Sync);
        if let Some(together) = self.concurrent_send() {
            let message = "nothing pins a total order: threads take turns as the machine lets them";
            let warning = self.mistake(Code::LooseOrder, total.span, message);
            return self.report(warning.and(together, "they send here").help("write 'order: lanes'"));
        }
        if !self.steps.iter().any(|step| unwaited(&step.action)) && !self.sends_in_callbacks() {
            return;
        }
        if self.is_held_until_all_sent() {
            return;
        }
        let several =
            self.producers.len() > 1 || self.topics.iter().map(|topic| topic.partitions).sum::<u32>() > 1;
        let why = match self.callbacks() {
            Callbacks::Background => "callbacks come in the background while messages are sent",
            Callbacks::OnWait if several => "callbacks of several partitions or producers come in any order",
            Callbacks::OnWait => return,
        };
        let warning =
            self.mistake(Code::LooseOrder, total.span, format!("nothing pins a total order: {why}"));
        self.report(warning.help("write 'order: lanes', or send with 'mode: sync'"));
    }

    /// Requests are shown that carry what several threads send.
    fn shared_requests(&mut self) {
        let include = self.scenario.snapshot.value().and_then(|snapshot| snapshot.include.value());
        let shown = include.into_iter().flatten().find(|part| part.value() == Some(&Include::Requests));
        let shared = |batch: &&Batch| {
            let producer = self.producers.get(batch.producer.index());
            batch.is_concurrent() && !producer.is_some_and(is_single)
        };
        let Some((span, batch)) = shown.and_then(Field::span).zip(self.batches.iter().find(shared)) else {
            return;
        };
        let message = "the client decides which messages of several threads share a request";
        let warning = self.mistake(Code::MayBatch, span, message).and(batch.span, "the threads send here");
        self.report(warning.help("write 'producer: {one_per_request: true}'"));
    }

    /// Messages that their bytes do not tell apart.
    fn tagged(&mut self) {
        if self.scenario.tag.value() == Some(&Tag::Always) {
            return;
        }
        if let Some(batch) = self.batches.iter().find(|batch| batch.tagged() && !self.is_sent_again(batch)) {
            let message =
                "key and value do not tell these messages apart, so each carries a header 'inflight'";
            let help = "write {{ i }} into the key or the value";
            let warning: Diagnostic = self.mistake(Code::Tagged, batch.span, message).help(help);
            self.report(warning);
        }
    }
}

fn chooses_at_random(producer: &Producer, keyed: bool) -> bool {
    let named = producer.config.iter().find(|setting| setting.key == "partitioner");
    let partitioner = named.map_or(PARTITIONER, |setting| setting.value.as_str());
    partitioner == "random" || !keyed && partitioner.ends_with("_random")
}
