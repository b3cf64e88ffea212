//! Reads the scenarios that are meant, each with all that is wrong with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::disk::DiskError;
use crate::plan::{self, Merged, Plan};
use crate::producer;
use crate::run;
use crate::snapshot::{LoadError, Mirror, Snapshot, orphans};

use super::Filter;
use super::discover::discover;

/// Which scenarios are meant.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Files, and folders of files.
    pub paths: Vec<PathBuf>,
    /// The folder that paths are relative to, absolute.
    pub here: PathBuf,
    /// Settings for every producer, over those of the scenarios.
    pub overrides: Vec<(String, String)>,
    /// Which of them.
    pub filter: Filter,
}

/// The scenarios that are meant, in the order of their files.
#[derive(Debug)]
pub struct Selection {
    /// Each with what is known of it.
    pub candidates: Vec<Candidate>,
    /// How many files there were before the filter.
    pub found: usize,
    /// The folders of snapshots that the folders of the request are mirrored by.
    snapshots: Vec<PathBuf>,
}

/// A scenario's file, read.
#[derive(Debug)]
pub struct Candidate {
    /// Its name: its own, or the one that follows from its path.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Where its snapshot is.
    pub mirror: Mirror,
    /// What will happen, in each combination of its matrix; nothing where the file is wrong.
    pub plans: Vec<Arc<Plan>>,
    /// What broker and client have not been asked about yet.
    pub settings: Vec<plan::Settings>,
    /// Mistakes and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Finds and reads the scenarios that are meant.
pub fn select(request: &Request) -> Result<Selection, DiskError> {
    let files = discover(&request.paths)?;
    let found = files.len();
    let mut candidates: Vec<_> = files.into_iter().map(|file| Candidate::read(file, request)).collect();
    candidates.retain(|candidate| request.filter.selects(&candidate.name, candidate.tags()));
    refuse_doubles(&mut candidates);
    let folders = request.paths.iter().filter(|path| path.is_dir());
    let snapshots = folders.map(|folder| Mirror::of_folder(folder, &request.here)).collect();
    Ok(Selection { candidates, found, snapshots })
}

impl Selection {
    /// Our snapshots that belong to no scenario.
    pub fn orphans(&self) -> Result<Vec<PathBuf>, DiskError> {
        let mut found = Vec::new();
        for folder in &self.snapshots {
            found.extend(orphans(folder)?);
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

impl Candidate {
    fn read(path: PathBuf, request: &Request) -> Self {
        let mirror = Mirror::of(&path, &request.here);
        let loaded = plan::load(&path, plan::Options { name: &mirror.name, settings: &request.overrides });
        let name = loaded.plans.first().map_or_else(|| mirror.name.clone(), |plan| plan.name.clone());
        Self {
            name,
            path,
            mirror,
            plans: loaded.plans.into_iter().map(Arc::new).collect(),
            settings: loaded.settings,
            diagnostics: loaded.diagnostics,
        }
    }

    /// What it is tagged with.
    pub fn tags(&self) -> &[String] {
        self.plans.first().map_or(&[], |plan| &plan.tags)
    }

    /// Whether it can be run.
    pub fn is_right(&self) -> bool {
        !self.plans.is_empty() && !self.diagnostics.iter().any(|it| it.code.severity() == Severity::Error)
    }

    /// Looks at what costs more than reading: whether broker and client take the settings, and whether the snapshot is one.
    /// The snapshot is handed out; what is wrong is added to the diagnostics.
    pub fn check(&mut self) -> Result<Option<Snapshot>, DiskError> {
        self.check_settings();
        match Snapshot::load(&self.mirror.snapshot) {
            Ok(snapshot) => Ok(snapshot),
            Err(LoadError::Disk(error)) => Err(error),
            Err(LoadError::Mistake(mistake)) => {
                self.diagnostics.push(*mistake);
                Ok(None)
            }
        }
    }

    /// Looks only at whether broker and client take the settings.
    pub(in crate::session) fn check_settings(&mut self) {
        let mut merged = Merged::default();
        for settings in std::mem::take(&mut self.settings) {
            let mut found = run::check(&settings);
            found.extend(producer::check(&settings));
            merged.add(&settings.combination, found);
        }
        self.diagnostics.extend(merged.finish());
        self.diagnostics.sort_by_key(|found| found.labels.first().map(|label| label.span));
    }
}

/// A name is used once, and so is a snapshot: the first file has it, the others are wrong.
fn refuse_doubles(candidates: &mut [Candidate]) {
    let mut names: HashMap<String, PathBuf> = HashMap::new();
    let mut snapshots: HashMap<PathBuf, PathBuf> = HashMap::new();
    for candidate in candidates {
        let Some(plan) = candidate.plans.first() else { continue };
        let mistake = |message: String, help: &str| {
            let start = plan.source.span_of_bytes(0..0);
            Diagnostic::new(Code::ScenarioTwice, &plan.source, start, message).help(help)
        };
        let by = |path: &Path| path.display().to_string();
        if let Some(first) = names.get(&candidate.name) {
            let message = format!("the name '{}' is used by {} too", candidate.name, by(first));
            candidate.diagnostics.push(mistake(message, "give one of them another `name`"));
            continue;
        }
        if let Some(first) = snapshots.get(&candidate.mirror.snapshot) {
            let snapshot = by(&candidate.mirror.snapshot);
            let message = format!("its snapshot {snapshot} is that of {} too", by(first));
            candidate.diagnostics.push(mistake(message, "rename one of the files"));
            continue;
        }
        names.insert(candidate.name.clone(), candidate.path.clone());
        snapshots.insert(candidate.mirror.snapshot.clone(), candidate.path.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const GOOD: &str = "topic: t\ncount: 1\n";

    fn selected(files: &[(&str, &str)], filter: &[&str]) -> Selection {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let filter: Vec<_> = filter.iter().map(|pattern| (*pattern).to_owned()).collect();
        let request = Request {
            paths: vec![folder.path().join("scenarios")],
            here: folder.path().into(),
            filter: Filter::new(&filter),
            overrides: Vec::new(),
        };
        select(&request).unwrap()
    }

    fn names(selection: &Selection) -> Vec<&str> {
        selection.candidates.iter().map(|candidate| candidate.name.as_str()).collect()
    }

    fn codes(selection: &Selection) -> Vec<Vec<Code>> {
        let of = |candidate: &Candidate| candidate.diagnostics.iter().map(|it| it.code).collect();
        selection.candidates.iter().map(of).collect()
    }

    #[test]
    fn a_scenario_is_named_by_itself_or_by_its_path() {
        let named = format!("name: given\n{GOOD}");
        let selection = selected(&[("scenarios/a/b.yaml", GOOD), ("scenarios/c.yaml", &named)], &[]);
        assert_eq!(names(&selection), ["a/b", "given"]);
        assert!(selection.candidates.iter().all(Candidate::is_right));
        assert_eq!(selection.candidates[1].mirror.snapshot, Path::new("snapshots/c.snap"));
    }

    #[test]
    fn what_is_not_meant_is_only_counted() {
        let selection = selected(&[("scenarios/a.yaml", GOOD), ("scenarios/b.yaml", GOOD)], &["b"]);
        assert_eq!((names(&selection), selection.found), (vec!["b"], 2));
    }

    #[test]
    fn the_first_file_has_the_name_and_the_snapshot() {
        let named = format!("name: a\n{GOOD}");
        let other = format!("name: other\n{GOOD}");
        let files = [
            ("scenarios/a.yaml", GOOD),
            ("scenarios/a.yml", &other),
            ("scenarios/b.yaml", &named),
            ("scenarios/c.yaml", "count: 1\n"),
            ("scenarios/c.yml", GOOD),
        ];
        let selection = selected(&files, &[]);
        let twice = vec![Code::ScenarioTwice];
        assert_eq!(codes(&selection)[..3], [vec![], twice.clone(), twice]);
        assert!(selection.candidates[4].is_right(), "a file that is wrong for itself takes nobody's name");
    }
}
