//! What the combinations of a scenario came to, together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::judge::Counts;
use crate::plan::{Combination, Merged, Plan};
use crate::session::Flaky;
use crate::session::repeat::{Run, Runs};
use crate::snapshot::{Header, Info, Mirror};
use crate::trace::{Client, Said};
use crate::view;

/// What is shown of a setting that a producer does not have in a combination.
const NOT_SET: &str = "not set";

/// By key, the value in each section that has one, by the place of the section.
type Settings = BTreeMap<String, BTreeMap<usize, String>>;

/// What the combinations of a scenario came to, in their order; of a scenario without a matrix there is one.
#[derive(Default)]
pub(super) struct Sections {
    plans: Vec<Arc<Plan>>,
    texts: Vec<(Combination, String)>,
    client: Client,
    /// By producer.
    settings: Vec<(String, Settings)>,
    /// What should have happened and did not; of a flaky combination see there.
    pub(super) failures: Merged,
    failed: bool,
    /// What is odd.
    pub(super) warnings: Merged,
    /// How many messages met which fate.
    pub(super) counts: Counts,
    /// What the client said, a line each.
    pub(super) said: Vec<String>,
    /// Those that do not do the same each time.
    pub(super) flaky: Vec<Flaky>,
    /// How often each ran.
    pub(super) runs: u32,
}

impl Sections {
    /// One more, with all of its runs.
    pub(super) fn add(&mut self, plan: &Arc<Plan>, runs: Runs) {
        let count = runs.count();
        let Some((mut run, flaky)) = runs.conclude(plan) else { return };
        if let Some(flaky) = flaky {
            self.flaky.push(flaky);
            run.failures.clear();
            run.warnings.clear();
        }
        self.add_run(plan, run);
        self.runs = count;
    }

    /// One more, with the only run of it.
    pub(super) fn add_run(&mut self, plan: &Arc<Plan>, run: Run) {
        self.runs = 1;
        self.failed |= !run.failures.is_empty();
        self.failures.add(&plan.combination, run.failures);
        self.warnings.add(&plan.combination, run.warnings);
        self.counts += run.counts;
        let new = said(plan, &run.client).into_iter().filter(|line| !self.said.contains(line));
        let new: Vec<_> = new.collect();
        self.said.extend(new);
        self.add_settings(plan, &run.client);
        self.client = run.client;
        self.texts.push((plan.combination.clone(), run.text));
        self.plans.push(Arc::clone(plan));
    }

    fn add_settings(&mut self, plan: &Plan, client: &Client) {
        for (producer, settings) in plan.producers.iter().zip(&client.settings) {
            let known = self.settings.iter().position(|(name, _)| *name == *producer.name);
            let at = known.unwrap_or_else(|| {
                self.settings.push((producer.name.to_string(), Settings::new()));
                self.settings.len() - 1
            });
            let Some((_, known)) = self.settings.get_mut(at) else { continue };
            for (key, value) in settings {
                known.entry(key.clone()).or_default().insert(self.texts.len(), value.clone());
            }
        }
    }

    /// Whether all did what they should, each time.
    pub(super) fn are_good(&self) -> bool {
        !self.failed && self.flaky.is_empty()
    }

    /// The text of the scenario.
    pub(super) fn text(&self) -> String {
        view::sections(self.texts.iter().map(|(combination, text)| (combination, text.as_str())))
    }

    /// What stands above the text.
    pub(super) fn header(&self, mirror: &Mirror) -> Header {
        Header {
            source: Some(mirror.source.clone()),
            description: self.plans.first().and_then(|plan| plan.description.clone()),
            expression: Some(format!("inflight run {}", mirror.source)),
            info: Info {
                view: Some(view::VERSION),
                client: self.client.name.clone(),
                version: self.client.version.clone(),
                settings: self.shown_settings(),
            },
        }
    }

    /// Each setting once; one that is not the same in all sections with all its values, in the order of the sections.
    fn shown_settings(&self) -> Vec<(String, Vec<(String, String)>)> {
        let shown = |values: &BTreeMap<usize, String>| {
            let mut all: Vec<&str> = Vec::new();
            for section in 0..self.texts.len() {
                let value = values.get(&section).map_or(NOT_SET, String::as_str);
                if !all.contains(&value) {
                    all.push(value);
                }
            }
            all.join(" or ")
        };
        let of =
            |settings: &Settings| settings.iter().map(|(key, values)| (key.clone(), shown(values))).collect();
        self.settings.iter().map(|(producer, settings)| (producer.clone(), of(settings))).collect()
    }
}

/// The client's own words on each kind of error; the producer is named where there are several.
pub(super) fn said(plan: &Plan, client: &Client) -> Vec<String> {
    let of = |said: &Said| match plan.producers.get(said.producer.index()) {
        Some(producer) if plan.producers.len() > 1 => format!("{}, {}", producer.name, said.code),
        _ => said.code.to_string(),
    };
    client.said.iter().map(|said| format!("{} said of {}: {}", client.name, of(said), said.words)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{self, Options, Producer};
    use crate::source::Source;

    #[test]
    fn settings_that_differ_show_all_their_values() {
        let text = "topic: t\nmatrix: {acks: [all, 1, 0]}\nproducers:\n  a: {config: {acks: \"${acks}\", linger.ms: 5}}\n  \
                    b${acks}: {config: {client.id: b}}\nsteps: [send: {count: 1, producer: a}]\n";
        let loaded = plan::of(&Arc::new(Source::new("a.yaml", text)), Options { name: "a", settings: &[] });
        assert_eq!(loaded.diagnostics, []);
        let mut sections = Sections::default();
        for plan in &loaded.plans {
            let pairs = |producer: &Producer| {
                producer.config.iter().map(|one| (one.key.clone(), one.value.clone())).collect()
            };
            let settings = plan.producers.iter().map(pairs).collect();
            sections.add_settings(plan, &Client { settings, ..Client::default() });
            sections.texts.push((plan.combination.clone(), String::new()));
        }
        let shown: Vec<_> = sections.shown_settings().iter().map(|all| format!("{all:?}")).collect();
        let expected = [
            r#"("a", [("acks", "all or 1 or 0"), ("linger.ms", "5")])"#,
            r#"("ball", [("client.id", "b or not set")])"#,
            r#"("b1", [("client.id", "not set or b")])"#,
            r#"("b0", [("client.id", "not set or b")])"#,
        ];
        assert_eq!(shown, expected);
    }
}
