//! What differs from run to run without meaning anything: ids, ports, the clock, the order of a hash map's rows.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::wire::Value;

/// The APIs that an embedded broker serves; what else Apache Kafka advertises is left out.
const SERVED: [i64; 17] = [0, 1, 2, 3, 10, 17, 18, 19, 20, 22, 24, 25, 26, 28, 32, 36, 60];
/// Times are shown in steps of so many milliseconds from now.
const STEP: i64 = 600_000;

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock of this age")
}

fn is_marker(value: &str) -> bool {
    value.len() == 12 && value.starts_with("0000") && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a case has met.
#[derive(Debug)]
pub(crate) struct Normal {
    /// Stands in front of every name of this case, so that cases do not meet; written as `~`.
    pub(crate) prefix: String,
    /// When the case began.
    pub(crate) start: i64,
    /// Ids of topics by their names.
    pub(crate) ids: HashMap<String, Uuid>,
    /// Producer ids that were given out, in their order.
    pub(crate) producers: Vec<i64>,
    /// The ports of the brokers, from 1.
    pub(crate) ports: Vec<u16>,
}

impl Normal {
    /// A name of the case as it stands on the wire.
    pub(crate) fn full(&self, name: &str) -> String {
        name.replace('~', &self.prefix)
    }

    /// A request with its names in full.
    pub(crate) fn outgoing(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) => Value::Text(self.full(text)),
            Value::List(items) => Value::List(items.iter().map(|item| self.outgoing(item)).collect()),
            Value::Struct(fields) => Value::Struct(
                fields.iter().map(|(name, value)| (name.clone(), self.outgoing(value))).collect(),
            ),
            other => other.clone(),
        }
    }

    /// Learns the ids in an answer.
    pub(crate) fn learn(&mut self, answer: &Value) {
        match answer {
            Value::List(items) => {
                for item in items {
                    self.learn(item);
                }
            }
            Value::Struct(fields) => {
                if let (Value::Text(name), Value::Uuid(id)) = (answer.get("name"), answer.get("topic_id"))
                    && !id.is_nil()
                    && [&Value::Null, &Value::Error(0)].contains(&answer.get("error_code"))
                {
                    self.ids.insert(name.clone(), *id);
                }
                for (_, value) in fields {
                    self.learn(value);
                }
            }
            _ => {}
        }
    }

    /// Learns a producer id that was given out.
    pub(crate) fn learn_producer(&mut self, id: i64) {
        if id >= 0 && !self.producers.contains(&id) {
            self.producers.push(id);
        }
    }

    fn producer(&self, id: i64) -> Value {
        let known = self.producers.iter().position(|known| *known == id);
        known.map_or(Value::Int(id), |at| Value::Word(format!("pid{}", at + 1)))
    }

    /// A value as it is shown; `sorted`: rows in the order of their text.
    pub(crate) fn shown(&self, value: &Value, sorted: bool) -> Value {
        match value {
            Value::Uuid(id) if id.is_nil() => Value::Word("nil".to_owned()),
            Value::Uuid(id) => match self.ids.iter().find(|(_, known)| *known == id) {
                Some((name, _)) => Value::Word(format!("id({name})")),
                None => Value::Uuid(*id),
            },
            Value::ProducerId(id) => self.producer(*id),
            Value::Port(port) => {
                let broker = self.ports.iter().position(|known| i32::from(*known) == *port);
                broker.map_or(Value::Port(*port), |at| Value::Word(format!("PORT{}", at + 1)))
            }
            Value::List(items) => {
                let mut items: Vec<_> = items.iter().map(|item| self.shown(item, sorted)).collect();
                if sorted && matches!(items.first(), Some(Value::Struct(_))) {
                    items.sort_by_key(Value::line);
                }
                Value::List(items)
            }
            Value::Struct(fields) => {
                Value::Struct(fields.iter().map(|(name, value)| self.field(name, value, sorted)).collect())
            }
            other => other.clone(),
        }
    }

    fn field(&self, name: &str, value: &Value, sorted: bool) -> (String, Value) {
        let shown = match (name, value) {
            ("cluster_id", Value::Text(_)) => Value::Word("CLUSTER".to_owned()),
            ("finalized_features_epoch", Value::Int(0..)) => Value::Word("EPOCH".to_owned()),
            // Any broker will do.
            ("controller_id", Value::Int(1..)) if self.ports.len() > 1 => Value::Word("BROKER".to_owned()),
            ("isr_nodes", Value::List(brokers)) => {
                let mut brokers = brokers.clone();
                brokers.sort_by_key(Value::int);
                Value::List(brokers)
            }
            // The version of a marker, and the epoch of its coordinator, which rises whenever it moves.
            ("value", Value::Word(marker)) if self.ports.len() > 1 && is_marker(marker) => {
                Value::Word(format!("{}EPOCH", &marker[..4]))
            }
            ("session_id", Value::Int(1..)) => Value::Word("SESSION".to_owned()),
            ("producer_id", Value::Int(id)) => self.producer(*id),
            ("api_keys", Value::List(rows)) => {
                let served = |row: &&Value| SERVED.contains(&row.get("api_key").int());
                let rows = rows.iter().filter(served).map(|row| self.shown(row, sorted));
                let mut rows: Vec<_> = rows.collect();
                rows.sort_by_key(|row| row.get("api_key").int());
                Value::List(rows)
            }
            // Those of other cases, where all are asked for.
            ("topics", Value::List(rows)) => {
                let own = |row: &&Value| match (row.get("name"), row.get("partitions")) {
                    (Value::Text(name), Value::List(_)) if *row.get("error_code") == Value::Error(0) => {
                        name.contains(&self.prefix)
                    }
                    _ => true,
                };
                let rows: Vec<_> = rows.iter().filter(own).cloned().collect();
                self.shown(&Value::List(rows), sorted)
            }
            _ => self.shown(value, sorted),
        };
        (name.to_owned(), shown)
    }

    /// A line without the prefix of names, and with times as distances from now.
    pub(crate) fn line(&self, line: &str) -> String {
        let mut text = line.replace(&self.prefix, "~");
        for (at, id) in self.producers.iter().enumerate() {
            text = text.replace(&format!(" producer {id}/"), &format!(" producer pid{}/", at + 1));
            text = text.replace(&format!("producer {id} "), &format!("producer pid{} ", at + 1));
            text = text.replace(&format!("producerId={id},"), &format!("producerId=pid{},", at + 1));
        }
        let mut out = String::new();
        let mut digits = String::new();
        for c in text.chars().chain(['\n']) {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            out.push_str(&self.time(&digits).unwrap_or(std::mem::take(&mut digits)));
            digits.clear();
            out.push(c);
        }
        out.pop();
        out
    }

    fn time(&self, digits: &str) -> Option<String> {
        if digits.len() == 19 {
            // A time so long before now that it is the lowest there is.
            let distance: i64 = digits.parse().ok()?;
            let now = i64::MAX - distance;
            return ((now - self.start).abs() < STEP && distance != i64::MAX).then(|| "(MAX-NOW)".to_owned());
        }
        let time: i64 = (digits.len() == 13).then(|| digits.parse().ok())??;
        let steps = (time - self.start + STEP / 2).div_euclid(STEP);
        match steps {
            0 => Some("NOW".to_owned()),
            -10_000..=10_000 => Some(format!("NOW{:+}s", steps * STEP / 1_000)),
            _ => None,
        }
    }
}
