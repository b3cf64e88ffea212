//! The page "Which fault makes which anomaly": every cell of it is a run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use inflight::judge::{self, Findings};
use inflight::plan::{self, Options};
use inflight::run::{self, Target};
use inflight::source::Source;
use inflight::trace::Event;

const PAGE: &str = "docs/anomalies.md";

/// So many runs at once: most of them wait.
const AT_ONCE: usize = 32;

/// What befalls the request of the first message, and what it means.
const ACTIONS: &[(&str, &str)] = &[
    ("disconnect_before", "The connection is lost, and the request with it."),
    ("disconnect_after", "The connection is lost behind the append; requests behind it are lost."),
    ("disconnect_after: {behind: appended}", "The same, but requests behind it are appended too."),
    ("drop_request", "The request is lost, and the connection stays silent."),
    ("drop_response", "The answer is lost, and the connection stays silent."),
    ("truncate_request: 20", "The connection is lost in the middle of the request."),
    ("truncate_response: 6", "The connection is lost in the middle of the answer."),
    ("fail: CORRUPT_MESSAGE", "Refused before the append; worth another try."),
    (
        "fail: {error: NOT_LEADER_OR_FOLLOWER, append: false}",
        "Refused before the append by a broker that does not lead.",
    ),
    ("fail: NOT_ENOUGH_REPLICAS", "Refused before the append."),
    ("fail: NOT_ENOUGH_REPLICAS_AFTER_APPEND", "Appended, and refused all the same."),
    ("fail: REQUEST_TIMED_OUT", "Appended; the followers did not have it in time."),
    ("fail: {error: KAFKA_STORAGE_ERROR, append: false}", "A disk fails before the append."),
    ("fail: {error: KAFKA_STORAGE_ERROR, append: true}", "A disk fails behind the append."),
    ("fail: INVALID_RECORD", "Refused before the append, for good."),
    ("fail: OUT_OF_ORDER_SEQUENCE_NUMBER", "Taken for a gap, before the append."),
];

/// Settings of a producer.
#[derive(Clone, Copy)]
struct Settings {
    idempotent: bool,
    acks: &'static str,
    in_flight: u32,
    retries: bool,
}

/// A table: the settings that are its columns, and what was written before.
struct Table {
    title: &'static str,
    /// Whether a message has been acknowledged before the fault.
    known: bool,
    columns: Vec<Settings>,
}

fn tables() -> [Table; 3] {
    let plain = |retries| {
        let of = move |acks| [1, 5].map(|in_flight| Settings { idempotent: false, acks, in_flight, retries });
        ["0", "1", "all"].into_iter().flat_map(of)
    };
    let idempotent =
        [1, 5].map(|in_flight| Settings { idempotent: true, acks: "all", in_flight, retries: true });
    [
        Table {
            title: "With retries, the default",
            known: true,
            columns: plain(true).chain(idempotent).collect(),
        },
        Table { title: "Without: `retries: 0`", known: true, columns: plain(false).collect() },
        Table {
            title: "The very first request of an idempotent producer",
            known: false,
            columns: idempotent.to_vec(),
        },
    ]
}

/// Six messages, one in each request, behind one that is acknowledged where the producer is to be known. The fault waits
/// until the client has sent what it sends without an answer.
fn scenario(action: &str, settings: Settings, known: bool) -> String {
    let Settings { idempotent, acks, in_flight, retries } = settings;
    let retries = if retries { "" } else { ", retries: 0" };
    let (first, before) = if known { (1, "  - send: { count: 1, mode: sync }\n") } else { (0, "") };
    format!(
        "brokers: 2\ntopic: {{ name: orders, replication_factor: 2 }}\non_timeout: continue\n\
         producer:\n  one_per_request: true\n  config:\n    {{ enable.idempotence: {idempotent}, acks: {acks}, \
         max.in.flight: {in_flight}, socket.timeout.ms: 1000, message.timeout.ms: 30000{retries} }}\n\
         faults:\n  - name: the fault\n    on: {{ produce: {{ message: {first}, attempt: 1 }} }}\n    \
         do: {{ {action} }}\n    hold: {{ until: {{ sent: {sent}, quiet: 200ms }} }}\n\
         steps:\n{before}  - send: 6\n",
        action = if action.contains(':') { action.to_owned() } else { format!("{action}: null") },
        sent = first + 6,
    )
}

/// What comes of a scenario, in words; none where it cannot be.
async fn outcome(text: String) -> Option<String> {
    let source = Arc::new(Source::new("cell.yaml", text));
    let plan = plan::of(&source, Options::default()).plans.pop()?;
    let plan = Arc::new(plan);
    let trace = run::execute(&plan, &Target::Embedded, &CancellationToken::new()).await.unwrap();
    let fatal = trace.events.others().any(|event| matches!(event, Event::Fatal(..)));
    Some(words(&judge::judge(&plan, &trace), fatal))
}

/// How many messages a fatal error meets in flight, and how many in the queue, is a race inside the client: so such a
/// cell says that there was one, and no counts.
fn words(findings: &Findings, fatal: bool) -> String {
    let counts = findings.counts;
    let mut words: Vec<String> = Vec::new();
    let kinds: BTreeSet<_> = findings.anomalies.iter().map(|anomaly| anomaly.kind.word()).collect();
    words.extend(kinds.into_iter().map(|kind| format!("**{kind}**")));
    if fatal {
        words.push("fatal".to_owned());
    }
    for (count, word) in [(counts.failed, "failed"), (counts.unknown, "unknown")] {
        if count > 0 && !fatal {
            words.push(format!("{count} {word}"));
        }
    }
    if words.is_empty() { "·".to_owned() } else { words.join(", ") }
}

/// Every cell, table by table and row by row.
async fn cells(tables: &[Table]) -> Vec<Option<String>> {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for table in tables {
        for (action, _) in ACTIONS {
            for settings in &table.columns {
                let text = scenario(action, *settings, table.known);
                let (permits, place) = (Arc::clone(&permits), runs.len());
                runs.spawn(async move {
                    let _permit = permits.acquire().await.unwrap();
                    (place, outcome(text).await)
                });
            }
        }
    }
    let mut cells = vec![None; runs.len()];
    while let Some(run) = runs.join_next().await {
        let (place, cell) = run.unwrap();
        cells[place] = cell;
    }
    cells
}

fn page(tables: &[Table], cells: Vec<Option<String>>) -> String {
    let mut cells = cells.into_iter();
    let mut page = INTRODUCTION.to_owned();
    for (action, meaning) in ACTIONS {
        writeln!(page, "| `{action}` | {meaning} |").unwrap();
    }
    for table in tables {
        write!(page, "\n## {}\n\n", table.title).unwrap();
        let head = table.columns.iter().map(|column| {
            let Settings { idempotent, acks, in_flight, .. } = column;
            let who = if *idempotent { "idempotent".to_owned() } else { format!("acks={acks}") };
            format!("{who}, {in_flight} in flight")
        });
        writeln!(page, "| fault | {} |", head.collect::<Vec<_>>().join(" | ")).unwrap();
        writeln!(page, "|---|{}", "---|".repeat(table.columns.len())).unwrap();
        for (action, _) in ACTIONS {
            let row = cells.by_ref().take(table.columns.len());
            let row: Vec<_> = row.map(|cell| cell.unwrap_or_else(|| "–".to_owned())).collect();
            writeln!(page, "| `{action}` | {} |", row.join(" | ")).unwrap();
        }
    }
    page.push_str(REMARKS);
    page
}

const INTRODUCTION: &str = "\
# Which fault makes which anomaly

<!-- Made by `INFLIGHT_RECORD=1 cargo test --test it handbook`; a test compares. -->

What a real client, librdkafka, makes of a fault, by its settings. Each cell is a run against the embedded broker: two
replicas, one partition, six messages, one in each request, behind a message that has been acknowledged. The fault takes
the request of the first of the six, as soon as the client has sent what it sends without an answer. What is silent ends
with `socket.timeout.ms: 1000`.

- A word in **bold** is an anomaly, as the [reference](reference.md#anomaly-kind) defines it.
- `n failed` and `n unknown`: that many messages are reported so. Of an unknown one the client does not say whether it is
  written.
- `fatal`: the producer gives up for good, and with it what it has not sent.
- `·`: everything is written once, in order, and acknowledged.
- `–`: no broker can do it. There is no answer with `acks=0`, say, and no sequence without idempotence.

| fault | what happens |
|---|---|
";

const REMARKS: &str = "
## What to take from it

- `max.in.flight=1` does not keep the order of a producer that is not idempotent, where a broker refuses a request: the
  next one is already built, and goes first.
- A lost acknowledgement writes twice without idempotence, whatever else is set, as long as there are retries; without
  retries nobody knows.
- `retries: 0` does not hold for a broker that does not lead: librdkafka sends such messages again all the same.
- Idempotence mends all of it, but for one hole: if the very first request that a producer sends to a partition is
  refused, and the second one, already under way, is written, then Apache Kafka, which does not know the producer yet,
  takes the second for the first, and librdkafka takes the first for written. It is reported as delivered, without an
  offset, and is lost. One request in flight, or one acknowledged message to each partition before more are sent, closes
  the hole. `scenarios/bugs/librdkafka-first-batch.yaml` is this case.
";

#[tokio::test(flavor = "multi_thread")]
async fn the_handbook_says_what_happens() {
    let tables = tables();
    let made = page(&tables, cells(&tables).await);
    if std::env::var_os("INFLIGHT_RECORD").is_some() {
        fs::write(PAGE, &made).unwrap();
    }
    let kept = fs::read_to_string(PAGE).unwrap_or_default();
    let difference =
        similar::TextDiff::from_lines(&kept, &made).unified_diff().header("kept", "made").to_string();
    assert!(difference.is_empty(), "INFLIGHT_RECORD=1 cargo test --test it handbook\n{difference}");
}
