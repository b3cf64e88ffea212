//! Which scenarios a command means, as arguments say it.

use std::path::PathBuf;

use clap::Args;

use crate::plan;
use crate::producer;
use crate::session::{self, Filter, Request, Selection};

use super::exit::Failure;

/// Where scenarios are looked for.
const DEFAULT: &str = "scenarios";

const HELP: &str = "help: `inflight new NAME` writes one to start from";

/// Which scenarios are meant.
#[derive(Args, Debug)]
pub(super) struct Scenarios {
    /// Files, or folders of *.yaml and *.yml files
    #[arg(value_name = "PATH", default_value = DEFAULT)]
    paths: Vec<PathBuf>,

    /// Only those with PATTERN in their name or in a tag; with * or ? it stands for a whole one, with ! in front it
    /// refuses. May be given several times
    #[arg(long, value_name = "PATTERN")]
    filter: Vec<String>,
}

/// What is set besides.
#[derive(Args, Debug)]
pub(super) struct Overrides {
    /// A setting for every producer, over those of the scenarios. May be given several times
    #[arg(short = 'X', value_name = "KEY=VALUE", value_parser = setting)]
    pub(super) settings: Vec<(String, String)>,
}

impl Scenarios {
    /// Finds and reads them. Where there are none, that is a mistake.
    pub(super) fn select(self, overrides: Overrides) -> Result<Selection, Failure> {
        if self.paths == [PathBuf::from(DEFAULT)] && !self.paths[0].exists() {
            return Err(Failure::mistake(format!("there is no {DEFAULT}/ here\n{HELP}")));
        }
        let request = Request {
            here: here()?,
            overrides: overrides.settings,
            filter: Filter::new(&self.filter),
            paths: self.paths,
        };
        let selection = session::select(&request)?;
        if !selection.candidates.is_empty() {
            return Ok(selection);
        }
        let paths: Vec<_> = request.paths.iter().map(|path| path.display().to_string()).collect();
        let paths = paths.join(" and ");
        Err(Failure::mistake(match selection.found {
            0 => format!("no scenarios in {paths}\n{HELP}"),
            1 => format!("the one scenario in {paths} does not fit the filter"),
            found => format!("none of the {found} scenarios in {paths} fits the filter"),
        }))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that knows where the program was started"
)]
pub(super) fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::broken(format!("the current folder is not there: {error}")))
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has the form key=value")?;
    let key = key.trim();
    if key.is_empty() {
        return Err("it has the form key=value".into());
    }
    // Refused ones first: the client would load and run what some of them name.
    match plan::refusal(key).or_else(|| producer::setting_mistake(key, value)) {
        Some(mistake) => Err(mistake),
        None => Ok((key.to_owned(), value.to_owned())),
    }
}
