//! What each kind of line reads like, and that no two views read alike.

mod facts;
mod folding;
mod lines;
mod reactions;
mod reader;
mod requests;
mod speed;
mod whole;

use super::View;
use super::block::{Block, Lane, Names, Style};
use super::folded::{Aside, Entry, Folded, Head, Line};
use super::line::{Numbers, What};

/// The facts of a lane, every fold undone by what it means and not by how it reads.
fn unfolded(names: &Names, block: &str, folded: &Folded) -> Vec<String> {
    let mut facts = Vec::new();
    for entry in folded.entries() {
        match entry {
            Entry::Line(line) => add(names, (block, folded), *line, &mut facts),
            Entry::Cycle(cycle) => {
                for k in 0..cycle.times {
                    for at in 0..cycle.lines.len() {
                        add(names, (block, folded), cycle.line(at, k).unwrap(), &mut facts);
                    }
                }
            }
        }
    }
    facts
}

fn add(names: &Names, (block, folded): (&str, &Folded), line: Line, facts: &mut Vec<String>) {
    let head = *folded.head(&line).unwrap();
    match head.what {
        What::Aside(place) => match &folded.asides[place as usize] {
            Aside::Text(text) => facts.extend(reader::entry(block, text)),
            Aside::Set(What::Timeout, set) => {
                facts.push(format!("timeout {}", unfolded(names, "log", set).join(" ")));
            }
            Aside::Set(what, set) => {
                for (head, at) in singles(set) {
                    facts.extend(reader::entry(block, &single(names, Head { what: *what, ..head }, at)));
                }
            }
        },
        What::Timeout | What::Together(_) => {
            let numbers =
                run(head, line.at).map(|at| single(names, Head { what: What::Record, ..one(head) }, at));
            let all = numbers.collect::<Vec<_>>().join(" ");
            facts.push(match head.what {
                What::Together(threads) => format!("send {all} in {threads} threads"),
                _ => format!("timeout {all}"),
            });
        }
        _ => facts
            .extend(run(head, line.at).flat_map(|at| reader::entry(block, &single(names, one(head), at)))),
    }
}

/// Every single fact of a set.
fn singles(set: &Folded) -> Vec<(Head, Numbers)> {
    let mut all = Vec::new();
    for entry in set.entries() {
        let lines: Vec<Line> = match entry {
            Entry::Line(line) => vec![*line],
            Entry::Cycle(cycle) => {
                let times = 0..cycle.times;
                times.flat_map(|k| (0..cycle.lines.len()).map(move |at| cycle.line(at, k).unwrap())).collect()
            }
        };
        for line in lines {
            let head = *set.head(&line).unwrap();
            all.extend(run(head, line.at).map(|at| (one(head), at)));
        }
    }
    all
}

fn one(head: Head) -> Head {
    Head { count: 1, step: [0; 3], ..head }
}

fn run(head: Head, first: Numbers) -> impl Iterator<Item = Numbers> {
    (0..i64::from(head.count)).map(move |k| [0, 1, 2].map(|n| first[n] + head.step[n] * k))
}

/// The text of a single fact.
fn single(names: &Names, head: Head, at: Numbers) -> String {
    let mut folded = Folded::default();
    let line = Line { head: folded.place(head), at };
    folded.lines.push(line);
    let lanes = vec![Lane { label: String::new(), style: Style::Lines, folded }];
    let blocks = vec![Block { name: "x", lanes }];
    let text = View { names: names.clone(), blocks, max_lines: u32::MAX }.text();
    text.strip_prefix("x  ").unwrap().to_owned()
}
