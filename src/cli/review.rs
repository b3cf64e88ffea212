//! `inflight accept` and `inflight reject`.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use crate::diagnostic;
use crate::snapshot::{LoadError, Mirror, Pending};

use super::exit::{self, Failure};
use super::output::Output;
use super::select::here;

#[derive(Args, Debug)]
pub(super) struct Review {
    /// A scenario's name or file, a snapshot, or a folder of either; all in snapshots/ without one
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Review {
    /// Makes pending files the snapshots. What is no snapshot stays pending, and the others are accepted all the same.
    pub(super) fn accept(self, output: &mut Output) -> Result<u8, Failure> {
        let mut code = exit::PASSED;
        for pending in self.pending()? {
            match pending.accept() {
                Ok(()) => output.line(&format!("accepted  {}", pending.snapshot.display()))?,
                Err(LoadError::Disk(error)) => return Err(error.into()),
                Err(LoadError::Mistake(mistake)) => {
                    Output::complain(&diagnostic::render(&mistake, output.error_paint.style));
                    code = exit::MISTAKE;
                }
            }
        }
        Ok(code)
    }

    /// Removes pending files.
    pub(super) fn reject(self, output: &mut Output) -> Result<u8, Failure> {
        for pending in self.pending()? {
            pending.reject()?;
            output.line(&format!("rejected  {}", pending.snapshot.display()))?;
        }
        Ok(exit::PASSED)
    }

    /// What is meant, each once. A name for which nothing is pending is a mistake, and then nothing is done.
    fn pending(&self) -> Result<Vec<Pending>, Failure> {
        if self.names.is_empty() {
            return Ok(Pending::all(Path::new("snapshots"))?);
        }
        let here = here()?;
        let mut all = Vec::new();
        for name in &self.names {
            let found = pending_of(name, &here)?;
            if found.is_empty() {
                return Err(Failure::mistake(format!(
                    "nothing is pending for '{name}'\nhelp: `inflight list --pending` shows what is"
                )));
            }
            all.extend(found);
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
}

fn pending_of(name: &str, here: &Path) -> Result<Vec<Pending>, Failure> {
    let path = Path::new(name);
    if path.is_dir() {
        let mut found = Pending::all(path)?;
        found.extend(Pending::all(&Mirror::of_folder(path, here))?);
        return Ok(found);
    }
    let snapshot = match path.extension().and_then(|ending| ending.to_str()) {
        Some("new") => path.with_extension(""),
        Some("snap") => path.to_path_buf(),
        _ if path.is_file() => Mirror::of(path, here).snapshot,
        _ => below_snapshots(path)?,
    };
    Ok(Pending::of(&snapshot).into_iter().collect())
}

/// The snapshot of a name; a name that leads out of `snapshots/` is a mistake.
fn below_snapshots(name: &Path) -> Result<PathBuf, Failure> {
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Failure::mistake(format!("'{}' is no name of a scenario", name.display())));
    }
    let mut path = Path::new("snapshots").join(name).into_os_string();
    path.push(".snap");
    Ok(path.into())
}
