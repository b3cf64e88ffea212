//! Reads a view's text back, by the grammar of `docs/snapshot.md` and nothing else: every fold is undone, so that what
//! comes out is one string for each single fact.

use std::collections::HashMap;

/// A block: its name, and each lane with its name and facts.
pub(super) type Block = (String, Vec<(String, Vec<String>)>);

/// The values of a cycle's variables, one time.
type Values = HashMap<char, i64>;

/// Reads a whole text that was not cut.
pub(super) fn view(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    lines.chunk_by(|_, next| next.starts_with(' ')).map(block).collect()
}

fn block(page: &[&str]) -> Block {
    let name = page[0].split(' ').next().unwrap();
    // Where the names of lanes begin, and then the entries.
    let lane_at = name.chars().count() + 2;
    // Threads beside each other have names, the one that takes the steps in front.
    let threads = name == "application" && rest(page[0], lane_at).starts_with("main  ");
    let single = matches!(name, "timeline" | "faults") || name == "application" && !threads;
    let named = |line: &str| !single && line.chars().nth(lane_at) != Some(' ');
    let label = |line: &str| split(&rest(line, lane_at), "  ")[0].to_owned();
    let widths = page.iter().filter(|line| named(line)).map(|line| label(line).chars().count() + 2);
    let entry_at = lane_at + widths.max().unwrap_or(0);
    let mut lanes: Vec<(String, Vec<String>)> = Vec::new();
    for line in page {
        if named(line) || lanes.is_empty() {
            lanes.push((if single { String::new() } else { label(line) }, Vec::new()));
        }
        let text = rest(line, entry_at);
        let entries = &mut lanes.last_mut().unwrap().1;
        match text.strip_prefix("  ") {
            // A list goes on.
            Some(more) => entries.last_mut().unwrap().extend([" ", more]),
            None => entries.push(text),
        }
    }
    let facts = |(label, entries): (String, Vec<String>)| {
        (label, entries.iter().flat_map(|text| entry(name, text)).collect())
    };
    (name.to_owned(), lanes.into_iter().map(facts).collect())
}

fn rest(line: &str, from: usize) -> String {
    line.chars().skip(from).collect()
}

/// The facts of one entry.
pub(super) fn entry(block: &str, text: &str) -> Vec<String> {
    if matches!(block, "requests" | "faults") {
        // A line is a fact of its own, and nothing folds.
        return vec![text.to_owned()];
    }
    let comma = if block == "log" { " " } else { ", " };
    let parts = split(text, " · ");
    let [lines, repeated] = parts.as_slice() else { return phrases(block, text, &Values::new()) };
    let times: Vec<Values> = match repeated.strip_prefix("for ") {
        None => vec![Values::new(); repeated.strip_suffix(" times").unwrap().parse().unwrap()],
        Some(variables) => {
            let mut times: Vec<Values> = Vec::new();
            for variable in variables.split(", ") {
                let (name, range) = variable.split_once(" in ").unwrap();
                let none = Values::new();
                let mut words = Words::of(range, &none);
                for (at, (value, _)) in words.numbers().into_iter().enumerate() {
                    if times.len() <= at {
                        times.push(Values::new());
                    }
                    times[at].insert(name.chars().next().unwrap(), value);
                }
            }
            times
        }
    };
    let lines = if block == "log" { vec![*lines] } else { split(lines, comma) };
    times.iter().flat_map(|values| lines.iter().flat_map(|line| phrases(block, line, values))).collect()
}

/// The parts of a text between separators outside of quotes.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut quoted) = (0, 0, false);
    while at < text.len() {
        let here = &text[at..];
        if !quoted && here.starts_with(separator) {
            parts.push(&text[start..at]);
            at += separator.len();
            start = at;
            continue;
        }
        let c = here.chars().next().unwrap();
        if quoted && c == '\\' {
            at += 1;
        } else if c == '"' {
            quoted = !quoted;
        }
        at += text[at..].chars().next().unwrap().len_utf8();
    }
    parts.push(&text[start..]);
    parts
}

/// The words of a phrase, with the values of its variables.
struct Words<'a> {
    all: Vec<&'a str>,
    at: usize,
    values: &'a Values,
}

/// A number and how many primes stand behind it.
type Number = (i64, usize);

impl<'a> Words<'a> {
    fn of(text: &'a str, values: &'a Values) -> Self {
        Self { all: split(text, " "), at: 0, values }
    }

    fn peek(&self) -> Option<&'a str> {
        self.all.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        self.at += 1;
        self.all.get(self.at - 1).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// `a`, `a..b` or `a..b step k`.
    fn numbers(&mut self) -> Vec<Number> {
        let word = self.next().unwrap();
        self.range(word)
    }

    fn range(&mut self, word: &str) -> Vec<Number> {
        let Some((first, last)) = word.split_once("..") else { return vec![self.number(word)] };
        let mut step = 1;
        if self.peek() == Some("step")
            && let Some(number) = self.all.get(self.at + 1).and_then(|word| word.parse().ok())
        {
            step = number;
            self.at += 2;
        }
        let ((first, primes), (last, _)) = (self.number(first), self.number(last));
        (first..=last).step_by(usize::try_from(step).unwrap()).map(|number| (number, primes)).collect()
    }

    fn number(&self, word: &str) -> Number {
        let plain = word.trim_end_matches('\'');
        let primes = word.len() - plain.len();
        let number = match plain.chars().next().filter(char::is_ascii_lowercase) {
            None => plain.parse().unwrap(),
            Some(variable) => {
                let plus = &plain[1..];
                self.values[&variable] + if plus.is_empty() { 0 } else { plus.parse::<i64>().unwrap() }
            }
        };
        (number, primes)
    }

    /// The numbers behind a word that says something of them. In a lane of sets there may be several; elsewhere what
    /// comes behind the first may be a name.
    fn set(&mut self, block: &str) -> Vec<Number> {
        let mut numbers = self.numbers();
        let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        while block == "callbacks" && self.peek().is_some_and(is_number) {
            numbers.extend(self.numbers());
        }
        numbers
    }

    /// ` @3..5`, ` orders[1]@3`, ` orders[1]`: the part in front of the offset, and the offsets.
    fn spot(&mut self) -> (String, Vec<i64>) {
        let word = self.next().unwrap();
        let parts = split(word, "@");
        let place = parts[0].to_owned();
        let offsets = parts
            .get(1)
            .map_or(Vec::new(), |word| self.range(word).into_iter().map(|(number, _)| number).collect());
        (place, offsets)
    }
}

fn shown((number, primes): Number) -> String {
    format!("{number}{}", "'".repeat(primes))
}

/// The k-th of some numbers; one number stands for all.
fn pick<T: Clone>(numbers: &[T], k: usize) -> T {
    numbers.get(k).or(numbers.first()).unwrap().clone()
}

/// The facts of one phrase or, in a log, of one list.
fn phrases(block: &str, text: &str, values: &Values) -> Vec<String> {
    let mut words = Words::of(text, values);
    if block == "log" {
        return items(&mut words);
    }
    let late = if words.take("late") { "late " } else { "" };
    let first = words.next().unwrap();
    match first {
        "send" => {
            let numbers = words.numbers();
            if words.take("in") {
                let threads = words.next().unwrap();
                assert!(words.take("threads"));
                let all: Vec<_> = numbers.into_iter().map(shown).collect();
                return vec![format!("send {} in {threads} threads", all.join(" "))];
            }
            numbers.into_iter().map(|number| format!("send {}", shown(number))).collect()
        }
        "send_failed" | "err" => {
            let numbers = words.set(block);
            let code = words.next().unwrap();
            numbers.into_iter().map(|number| format!("{late}{first} {} {code}", shown(number))).collect()
        }
        "not" => {
            assert!(words.take("sent"));
            words.numbers().into_iter().map(|number| format!("not sent {}", shown(number))).collect()
        }
        "timeout" => {
            let mut all = Vec::new();
            while words.peek().is_some() {
                all.extend(words.numbers().into_iter().map(shown));
            }
            vec![format!("timeout {}", all.join(" "))]
        }
        "ok" => {
            let numbers = words.set(block);
            acknowledged(late, numbers, &mut words)
        }
        "flush" | "purge" | "wait" | "close" | "exit" | "stop" | "open" | "begin" | "commit" | "abort"
        | "send_offsets" | "broker" | "leader" | "isr" | "replication" | "topic" | "clock"
        | "coordinator" => {
            vec![step(first, &mut words)]
        }
        "fatal" | "SHA-256" => vec![text.to_owned()],
        "unknown" | "cut_off" => unknown(first, &mut words),
        kind => anomaly(kind.strip_suffix(':').unwrap(), &mut words),
    }
}

fn items(words: &mut Words<'_>) -> Vec<String> {
    let mut items = Vec::new();
    while let Some(word) = words.peek() {
        if let Some(offset) = word.strip_prefix('@') {
            items.push(format!("@{}", words.number(offset).0));
            words.at += 1;
        } else if let Some(count) = word.strip_prefix('?') {
            let count = count.strip_prefix('×').map_or(1, |count| words.number(count).0);
            items.extend((0..count).map(|_| "?".to_owned()));
            words.at += 1;
        } else if word.starts_with('·') || word == "unreadable" {
            items.push(word.to_owned());
            words.at += 1;
        } else {
            let fate = word.chars().next().filter(|mark| "~…".contains(*mark));
            let plain = fate.map_or(word, |mark| &word[mark.len_utf8()..]);
            words.at += 1;
            let mark = fate.map_or(String::new(), String::from);
            items.extend(words.range(plain).into_iter().map(|number| format!("{mark}{}", shown(number))));
        }
    }
    items
}

fn acknowledged(late: &str, numbers: Vec<Number>, words: &mut Words<'_>) -> Vec<String> {
    let mut place = String::new();
    let mut offsets = Vec::new();
    while let Some(word) = words.peek() {
        if word.ends_with("@?") {
            place.push_str(word);
            words.at += 1;
        } else {
            let (more, found) = words.spot();
            if !place.is_empty() {
                place.push(' ');
            }
            place.push_str(&more);
            offsets = found;
        }
    }
    let fact = |(k, number): (usize, Number)| {
        let offset = if offsets.is_empty() { String::new() } else { format!("@{}", pick(&offsets, k)) };
        format!("{late}ok {} {place}{offset}", shown(number))
    };
    numbers.into_iter().enumerate().map(fact).collect()
}

fn step(first: &str, words: &mut Words<'_>) -> String {
    let mut said = first.to_owned();
    while let Some(word) = words.next() {
        if word == "timed_out" {
            let outstanding = words.next().unwrap();
            said = format!("{said} timed_out {}", words.number(outstanding).0);
        } else {
            said = format!("{said} {word}");
        }
    }
    said
}

fn unknown(first: &str, words: &mut Words<'_>) -> Vec<String> {
    let numbers = words.numbers();
    let code = if first == "unknown" { words.next().unwrap() } else { "" };
    assert!(words.take("→"));
    let how = if words.take("not") { "not " } else { "" };
    let how = if words.take("unreadable") { "un" } else { how };
    assert!(how == "un" || words.take("written"));
    let mut spots = Vec::new();
    while words.peek().is_some() {
        spots.push(words.spot());
    }
    let fact = |(k, number)| format!("{first} {} {code} {how}written{}", shown(number), places(&spots, k));
    numbers.into_iter().enumerate().map(fact).collect()
}

fn places(spots: &[(String, Vec<i64>)], k: usize) -> String {
    let spot = |(place, offsets): &(String, Vec<i64>)| {
        let offset = if offsets.is_empty() { String::new() } else { format!("@{}", pick(offsets, k)) };
        format!(" {place}{offset}")
    };
    spots.iter().map(spot).collect()
}

fn anomaly(kind: &str, words: &mut Words<'_>) -> Vec<String> {
    if kind == "split_key" {
        return vec![format!("{kind} {}", words.all[words.at..].join(" "))];
    }
    let numbers = words.numbers();
    let mut spots = Vec::new();
    let mut other = (String::new(), Vec::new());
    while let Some(word) = words.peek() {
        match word {
            "after" | "and" => {
                words.at += 1;
                other = (word.to_owned(), words.numbers().into_iter().map(shown).collect());
            }
            "holds" => {
                words.at += 1;
                let held = match words.peek().unwrap() {
                    nothing @ ("nothing" | "?") => vec![nothing.to_owned()],
                    _ => words.numbers().into_iter().map(shown).collect(),
                };
                other = (word.to_owned(), held);
                break;
            }
            "sent" => {
                other = (words.all[words.at..].join(" "), Vec::new());
                break;
            }
            _ => spots.push(words.spot()),
        }
    }
    let fact = |(k, number): (usize, Number)| {
        let named = if other.1.is_empty() { String::new() } else { pick(&other.1, k) };
        format!("{kind} {}{} {} {named}", shown(number), places(&spots, k), other.0)
    };
    numbers.into_iter().enumerate().map(fact).collect()
}
