//! librdkafka through rust-rdkafka as a client under test.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::get_rdkafka_version;

use crate::id::{ProducerIndex, Submission};
use crate::plan::{self, Message, Plan, Purge, Start};
use crate::trace::Client;

use super::context::{Context, opaque};
use super::native::Topic;
use super::polling::Polling;
use super::{Producer, Refusal, Request, Serving, Sink, Unsuccessful, code, native, settings};

/// How long one call into librdkafka may block before it is asked again whether it should go on.
const SLICE: Duration = Duration::from_millis(20);

/// How long one call about transactions may last before it is asked whether it should go on: long enough that the
/// client need not begin anew what it was about to finish.
const PATIENCE: Duration = Duration::from_millis(200);

/// The least time that a call about transactions has, so that the client comes to begin it.
const SHORTEST: Duration = Duration::from_millis(20);

/// How long the polling thread may take to hear what the client has said by the time a call fails.
const HEARING: Duration = Duration::from_secs(1);

/// How many answers to questions for metadata an idempotent producer needs until it has its producer id: the first
/// comes from the bootstrap connection, which is closed by what it says; the second, from the connection that replaces
/// it, makes the client ask for its id; the third stands behind that id on the same connection.
const ANSWERS: usize = 3;

/// A producer of librdkafka.
pub struct LibrdkafkaProducer {
    /// Those that were sent to or warmed up for. Before the client: they must be gone first. Calls from several threads
    /// are in the client at the same time.
    topics: RwLock<Vec<Topic>>,
    client: Arc<BaseProducer<Context>>,
    polling: Polling,
}

/// Why a producer could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// librdkafka refused the settings.
    #[error("librdkafka cannot be started")]
    Refused(#[from] KafkaError),
    /// There is no thread for it.
    #[error("no thread for polling the producer")]
    Thread(#[source] io::Error),
}

impl LibrdkafkaProducer {
    /// Creates the producer; it begins to connect.
    pub fn open(
        producer: &plan::Producer,
        index: ProducerIndex,
        start: Start,
        bootstrap: &str,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, OpenError> {
        let config = settings::complete(producer, bootstrap, start);
        let client: BaseProducer<Context> = config.create_with_context(Context::new(index))?;
        let client = Arc::new(client);
        let polling = Polling::start(&client, index, sink).map_err(OpenError::Thread)?;
        Ok(Self { topics: RwLock::default(), client, polling })
    }

    /// Waits until the producer is connected, knows the topics and has its producer id if it needs one. False when the
    /// deadline passed or `stopped` said so; [`trouble`](Self::trouble) may know why.
    pub fn warm(&self, topics: &[&str], deadline: Instant, stopped: &dyn Fn() -> bool) -> bool {
        // rust-rdkafka panics where librdkafka refuses a topic. A send will say what is wrong with it.
        let topics: Vec<_> = topics.iter().filter(|topic| self.with_topic(topic, |_| ()).is_some()).collect();
        let mut answers = 0;
        while answers < ANSWERS.max(topics.len()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || stopped() {
                return false;
            }
            let topic = topics.get(answers % topics.len().max(1)).map(|topic| **topic);
            let limit = left.clamp(Duration::from_millis(1), SLICE);
            // No answer: the time of a slice has passed, or no broker is there yet.
            answers += usize::from(self.client.client().fetch_metadata(topic, limit).is_ok());
        }
        true
    }

    /// Asks one of the client's topics, which is looked up the first time; none for a name that librdkafka refuses.
    fn with_topic<T>(&self, name: &str, ask: impl FnOnce(&Topic) -> T) -> Option<T> {
        let is_it = |topic: &&Topic| topic.name() == name.as_bytes();
        {
            // A list of topics is whole at any time.
            let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(topic) = topics.iter().find(is_it) {
                return Some(ask(topic));
            }
        }
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        if topics.iter().find(is_it).is_none() {
            topics.push(Topic::of(self.client.client(), name)?);
        }
        topics.iter().find(is_it).map(ask)
    }

    /// Hands over a message in rust-rdkafka's way, which knows all that a record can have.
    fn send(&self, submission: Submission, topic: &str, message: &Message) -> Result<(), RDKafkaErrorCode> {
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, opaque(submission));
        record.key = message.key.as_deref();
        record.payload = message.value.as_deref();
        record.partition = message.partition;
        record.timestamp = message.timestamp;
        record.headers = headers(message);
        let refused = |error: KafkaError| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        self.client.send(record).map_err(|(error, _)| refused(error))
    }

    /// What last went wrong outside messages, such as a refused connection, in librdkafka's words.
    pub fn trouble(&self) -> Option<String> {
        self.client.context().heard().trouble.clone()
    }
}

impl Producer for LibrdkafkaProducer {
    fn submit(&self, submission: Submission, topic: &str, message: &Message) -> Result<(), Refusal> {
        let plain = message.headers.is_empty() && message.timestamp.is_none();
        let produced = plain
            .then(|| self.with_topic(topic, |topic| topic.produce(message, opaque(submission))))
            .flatten()
            .unwrap_or_else(|| self.send(submission, topic, message));
        produced.map_err(|error| Refusal { error: code::by_call(error), words: error.to_string() })
    }

    fn serve(&self, serving: Serving) {
        self.polling.serve(serving);
    }

    fn flush(&self, deadline: Instant, stopped: &dyn Fn() -> bool) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if native::flush(self.client.client(), left.clamp(Duration::from_millis(1), SLICE)) {
                self.polling.settle();
                return true;
            }
            if left.is_zero() || stopped() {
                return false;
            }
        }
    }

    fn transact(
        &self,
        request: &Request<'_>,
        deadline: Instant,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), Unsuccessful> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // Offsets that are not added in time have failed; every other call can be made again and goes on. It is not made
            // for the little that may be left: a call that has no time to begin makes the client forget which it was, and
            // the answer that comes then ends the process (`rd_kafka_txn_set_state`, 2.12.1).
            let last = left < PATIENCE * 2 || matches!(request, Request::SendOffsets { .. });
            let limit = if last { left.max(SHORTEST) } else { PATIENCE };
            let Err(error) = native::transact(self.client.client(), request, limit) else {
                // Callbacks that it waited for have been polled, but perhaps not handed on.
                self.polling.settle();
                return Ok(());
            };
            if error.resumable && !last && !stopped() {
                continue;
            }
            // That it has given up is said before the call returns, and belongs in front of what comes next.
            self.polling.hear(|| native::has_said_all(self.client.client()), Instant::now() + HEARING);
            let (code, certain) = (code::in_callback(error.code), code::is_certain(error.code));
            return Err(Unsuccessful { code, certain: certain && !error.resumable, words: error.words });
        }
    }

    fn purge(&self, what: Purge, deadline: Instant) {
        let mut config = PurgeConfig::default();
        if what.queue {
            config = config.queue();
        }
        if what.in_flight {
            config = config.inflight();
        }
        // Returns when the client has put all that it throws away where it will be polled.
        self.client.purge(config);
        self.polling.hear(|| native::has_said_all(self.client.client()), deadline);
    }

    fn close(self: Box<Self>) {}
}

impl Drop for LibrdkafkaProducer {
    fn drop(&mut self) {
        // Otherwise dropping the client would do the same, but poll for 100 ms.
        self.polling.mute();
        self.topics.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.client.purge(PurgeConfig::default().queue().inflight());
        self.polling.stop();
    }
}

fn headers(message: &Message) -> Option<OwnedHeaders> {
    if message.headers.is_empty() {
        return None;
    }
    let headers = OwnedHeaders::new_with_capacity(message.headers.len());
    let insert = |headers: OwnedHeaders, (key, value): &(String, Option<Vec<u8>>)| {
        headers.insert(Header { key, value: value.as_ref() })
    };
    Some(message.headers.iter().fold(headers, insert))
}

/// Which client it is, and what of its settings the plan decides.
pub fn client(plan: &Plan) -> Client {
    let settings = |producer| settings::pairs(&settings::effective(producer));
    Client {
        name: "librdkafka".to_owned(),
        version: get_rdkafka_version().1,
        settings: plan.producers.iter().map(settings).collect(),
        said: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;
    use crate::id::{MessageId, Offset, Partition};
    use crate::plan::{Origin, Setting};
    use crate::source::Span;
    use crate::trace::{Callback, ClientError, Code, Event, Failure, Persistence, Recorder};

    const TOPIC: &str = "test";
    const LIMIT: Duration = Duration::from_mins(1);

    struct Fixture {
        cluster: MockCluster<'static, DefaultProducerContext>,
        recorder: Arc<Recorder>,
        producer: Option<Box<LibrdkafkaProducer>>,
    }

    impl Fixture {
        fn new(settings: &[(&str, &str)]) -> Self {
            let cluster = MockCluster::new(1).unwrap();
            cluster.create_topic(TOPIC, 1, 1).unwrap();
            let recorder = Arc::new(Recorder::default());
            let sink: Arc<dyn Sink> = Arc::<Recorder>::clone(&recorder);
            let bootstrap = cluster.bootstrap_servers();
            let plan = producer(settings);
            let producer =
                LibrdkafkaProducer::open(&plan, ProducerIndex(0), Start::Warm, &bootstrap, sink).unwrap();
            assert!(producer.warm(&[TOPIC], Instant::now() + LIMIT, &|| false));
            Self { cluster, recorder, producer: Some(Box::new(producer)) }
        }

        fn producer(&self) -> &LibrdkafkaProducer {
            self.producer.as_ref().unwrap()
        }

        fn send(&self, number: u32) -> Result<(), Refusal> {
            let submission = Submission::first(MessageId(number));
            let message = Message { value: Some(b"value".to_vec()), ..Message::default() };
            self.recorder.send(submission);
            self.producer().submit(submission, TOPIC, &message)?;
            self.recorder.sent(submission);
            Ok(())
        }

        fn wait_for(&self, callbacks: u64) {
            let deadline = Instant::now() + LIMIT;
            assert!(self.recorder.wait(deadline, |progress| progress.counts().callbacks >= callbacks));
        }

        fn callbacks(&self) -> Vec<Callback> {
            let callback = |event| if let Event::Callback(callback) = event { Some(callback) } else { None };
            self.recorder.take().iter().filter_map(callback).collect()
        }
    }

    fn producer(settings: &[(&str, &str)]) -> plan::Producer {
        let setting = |(key, value): &(&str, &str)| Setting {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: Origin::CommandLine,
        };
        plan::Producer {
            name: "producer".into(),
            config: settings.iter().map(setting).collect(),
            one_per_request: false,
            transactional: false,
            opened_by_step: false,
            span: Span::default(),
        }
    }

    /// The shortest of a few: a busy machine makes some slow, a timer inside the client all.
    fn shortest(mut once: impl FnMut() -> Duration) -> Duration {
        (0..5).map(|_| once()).min().unwrap()
    }

    #[test]
    fn answers_come_in_order_with_their_offsets() {
        let fixture = Fixture::new(&[("linger.ms", "0")]);
        (0..10).for_each(|number| fixture.send(number).unwrap());
        fixture.wait_for(10);
        let offsets: Vec<_> = fixture
            .callbacks()
            .iter()
            .map(|callback| (callback.submission.message.0, callback.offset))
            .collect();
        assert_eq!(offsets, (0..10).map(|n| (n, Some(Offset(i64::from(n))))).collect::<Vec<_>>());
    }

    #[test]
    fn an_idempotent_producer_is_ready_at_once_after_a_warm_start() {
        let shortest = shortest(|| {
            let fixture = Fixture::new(&[("linger.ms", "0"), ("enable.idempotence", "true")]);
            let began = Instant::now();
            fixture.send(0).unwrap();
            fixture.wait_for(1);
            began.elapsed()
        });
        // Cold, it waits for a timer of 500 ms.
        assert!(shortest < Duration::from_millis(400), "{shortest:?}");
    }

    #[test]
    fn nothing_is_served_behind_a_closed_gate_and_one_piece_at_a_time_through_a_narrow_one() {
        let fixture = Fixture::new(&[("linger.ms", "0"), ("batch.num.messages", "1")]);
        fixture.producer().serve(Serving::Never);
        (0..3).for_each(|number| fixture.send(number).unwrap());
        // All three are answered when nothing is outstanding inside librdkafka but the answers themselves.
        for served in 1..=3 {
            fixture.producer().serve(Serving::Once);
            fixture.wait_for(served);
            assert_eq!(fixture.recorder.counts().callbacks, served);
        }
    }

    #[test]
    fn a_flush_cuts_linger_and_returns_when_all_is_reported() {
        let fixture = Fixture::new(&[("linger.ms", "60000")]);
        (0..3).for_each(|number| fixture.send(number).unwrap());
        assert!(fixture.producer().flush(Instant::now() + LIMIT, &|| false));
        assert_eq!(fixture.recorder.counts().callbacks, 3);
    }

    #[test]
    fn what_is_thrown_away_has_its_callback_when_the_call_returns() {
        let fixture = Fixture::new(&[("linger.ms", "60000")]);
        (0..3).for_each(|number| fixture.send(number).unwrap());
        fixture.producer().purge(Purge { queue: true, in_flight: true }, Instant::now() + LIMIT);
        let purged = Code::Client(ClientError::PurgedQueue);
        let failed = |callback: &Callback| callback.result.is_err_and(|failure| failure.code == purged);
        assert_eq!(fixture.callbacks().iter().filter(|callback| failed(callback)).count(), 3);
    }

    #[test]
    fn a_flush_ends_at_its_deadline_or_when_it_is_told_to() {
        let fixture = Fixture::new(&[("linger.ms", "0")]);
        fixture.producer().serve(Serving::Never);
        fixture.send(0).unwrap();
        assert!(!fixture.producer().flush(Instant::now(), &|| false));
        assert!(!fixture.producer().flush(Instant::now() + LIMIT, &|| true));
    }

    #[test]
    fn a_close_is_quick_and_reports_nothing() {
        let shortest = shortest(|| {
            let mut fixture = Fixture::new(&[("linger.ms", "60000")]);
            fixture.send(0).unwrap();
            let began = Instant::now();
            fixture.producer.take().unwrap().close();
            assert_eq!(fixture.recorder.counts().callbacks, 0);
            began.elapsed()
        });
        // rust-rdkafka's own end polls for 100 ms.
        assert!(shortest < Duration::from_millis(90), "{shortest:?}");
    }

    #[test]
    fn a_full_buffer_and_a_message_too_large_are_refused_by_the_call() {
        let fixture = Fixture::new(&[("linger.ms", "60000"), ("queue.buffering.max.messages", "1")]);
        fixture.send(0).unwrap();
        assert_eq!(fixture.send(1).unwrap_err().error, ClientError::QueueFull);
        let fixture = Fixture::new(&[("message.max.bytes", "1000")]);
        let message = Message { value: Some(vec![0; 2000]), ..Message::default() };
        let refusal = fixture.producer().submit(Submission::default(), TOPIC, &message).unwrap_err();
        assert_eq!(refusal.error, ClientError::TooLarge);
    }

    #[test]
    fn room_is_there_when_a_callback_is_heard_of() {
        let fixture = Fixture::new(&[("linger.ms", "0"), ("queue.buffering.max.messages", "1")]);
        for number in 0..20 {
            fixture.send(number).unwrap();
            fixture.wait_for(u64::from(number) + 1);
        }
    }

    #[test]
    fn a_broker_that_refuses_is_quoted_and_no_offset_is_made_up() {
        let fixture = Fixture::new(&[("linger.ms", "0")]);
        let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
        fixture.cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        fixture.send(0).unwrap();
        fixture.wait_for(1);
        let code = Code::from_name("INVALID_FETCH_SIZE").unwrap();
        let failure = Failure { code, persistence: Persistence::NotPersisted };
        let callbacks = fixture.callbacks();
        assert_eq!(callbacks[0].result, Err(failure));
        assert_eq!((callbacks[0].partition, callbacks[0].offset), (Some(Partition(0)), None));
    }

    #[test]
    fn an_expired_message_names_no_offset() {
        let fixture = Fixture::new(&[("linger.ms", "0"), ("message.timeout.ms", "50")]);
        fixture.cluster.broker_down(1).unwrap();
        fixture.send(0).unwrap();
        fixture.wait_for(1);
        let callback = fixture.callbacks()[0];
        assert_eq!(callback.result.unwrap_err().code, Code::Client(ClientError::Expired));
        assert_eq!(callback.offset, None);
    }

    #[test]
    fn a_fatal_error_is_reported_once() {
        let settings =
            [("linger.ms", "0"), ("enable.idempotence", "true"), ("enable.gapless.guarantee", "true")];
        let fixture = Fixture::new(&settings);
        let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        fixture.cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        fixture.send(0).unwrap();
        fixture.wait_for(1);
        assert_eq!(fixture.send(1).unwrap_err().error, ClientError::Fatal);
        let words = fixture.recorder.take_said();
        assert!(words[0].words.contains("sequence"), "{words:?}");
        let fatal: Vec<_> =
            fixture.recorder.take().iter().filter(|event| matches!(event, Event::Fatal(..))).collect();
        let code = Code::from_name("OUT_OF_ORDER_SEQUENCE_NUMBER").unwrap();
        assert_eq!(fatal, [Event::Fatal(ProducerIndex(0), code)]);
    }

    fn transact(fixture: &Fixture, request: Request<'_>) -> Result<(), Unsuccessful> {
        fixture.producer().transact(&request, Instant::now() + LIMIT, &|| false)
    }

    const TRANSACTIONAL: [(&str, &str); 2] = [("transactional.id", "t"), ("linger.ms", "0")];

    #[test]
    fn a_transaction_is_committed_and_the_next_aborted() {
        let fixture = Fixture::new(&TRANSACTIONAL);
        transact(&fixture, Request::Initialise).unwrap();
        for end in [Request::Commit, Request::Abort] {
            transact(&fixture, Request::Begin).unwrap();
            fixture.send(0).unwrap();
            fixture.wait_for(1);
            let (group, topic, partition, offset) = ("g", TOPIC, Partition(0), Offset(3));
            transact(&fixture, Request::SendOffsets { group, topic, partition, offset }).unwrap();
            transact(&fixture, end).unwrap();
        }
    }

    #[test]
    fn an_abort_throws_away_what_was_not_sent_and_the_thread_alone_reports_it() {
        let fixture = Fixture::new(&[("transactional.id", "t"), ("linger.ms", "30000")]);
        transact(&fixture, Request::Initialise).unwrap();
        transact(&fixture, Request::Begin).unwrap();
        (0..3).for_each(|number| fixture.send(number).unwrap());
        transact(&fixture, Request::Abort).unwrap();
        assert_eq!(fixture.recorder.counts().callbacks, 3);
        let callbacks = fixture.callbacks();
        assert!(
            callbacks.iter().all(|callback| {
                callback.result.unwrap_err().code == Code::Client(ClientError::PurgedQueue)
            })
        );
    }

    #[test]
    fn calls_of_two_threads_are_in_the_client_at_once() {
        let fixture = Fixture::new(&[]);
        let (producer, (to_one, one), (to_other, other)) = (fixture.producer(), channel(), channel());
        let meet = |say: Sender<()>, hear: Receiver<()>| {
            let both = |_: &Topic| say.send(()).is_ok() && hear.recv_timeout(LIMIT).is_ok();
            producer.with_topic(TOPIC, both)
        };
        thread::scope(|scope| {
            let beside = scope.spawn(|| meet(to_one, other));
            assert_eq!(meet(to_other, one), Some(true));
            assert_eq!(beside.join().unwrap(), Some(true));
        });
    }

    #[test]
    fn a_topic_that_the_client_refuses_is_none() {
        // A message would expire before it is sent: `message.timeout.ms` is at most the transaction's time-out.
        let fixture = Fixture::new(&[("transactional.id", "t"), ("linger.ms", "60000")]);
        assert!(fixture.producer().with_topic(TOPIC, |_| ()).is_none());
        transact(&fixture, Request::Initialise).unwrap();
        transact(&fixture, Request::Begin).unwrap();
        assert_eq!(fixture.send(0).unwrap_err().error, ClientError::Other);
    }

    #[test]
    fn what_the_client_does_not_allow_is_certainly_not_done() {
        let fixture = Fixture::new(&TRANSACTIONAL);
        let early = transact(&fixture, Request::Begin).unwrap_err();
        assert_eq!((early.code, early.certain), (Code::Client(ClientError::InvalidState), true));
        transact(&fixture, Request::Initialise).unwrap();
        assert_eq!(fixture.send(0).unwrap_err().error, ClientError::InvalidState);
        assert!(transact(&fixture, Request::Commit).unwrap_err().certain);
    }

    #[test]
    fn a_commit_that_is_not_answered_in_time_is_of_unknown_outcome() {
        let fixture = Fixture::new(&TRANSACTIONAL);
        transact(&fixture, Request::Initialise).unwrap();
        transact(&fixture, Request::Begin).unwrap();
        fixture.send(0).unwrap();
        fixture.wait_for(1);
        fixture.cluster.broker_round_trip_time(1, Duration::from_secs(30)).unwrap();
        let limit = Instant::now() + Duration::from_millis(50);
        let unsure = fixture.producer().transact(&Request::Commit, limit, &|| false).unwrap_err();
        assert_eq!((unsure.code, unsure.certain), (Code::Client(ClientError::RequestTimedOut), false));
        assert!(fixture.producer().transact(&Request::Commit, limit + LIMIT, &|| true).is_err());
        // It is not over: another call is refused at once.
        let refused = fixture.producer().transact(&Request::Abort, limit + LIMIT, &|| false).unwrap_err();
        assert_eq!((refused.code, refused.certain), (Code::Client(ClientError::InvalidState), true));
    }
}
