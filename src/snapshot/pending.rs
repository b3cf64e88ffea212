//! Texts that wait for their review, beside the snapshots: written, found, accepted, rejected. Nothing else writes
//! snapshots.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::{self, DiskError};

use super::mirror::pending_of;
use super::{Comparison, LoadError, Mirror, Policy, Snapshot, Writes};

/// A text that waits for its review.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pending {
    /// The snapshot that it would become.
    pub snapshot: PathBuf,
}

/// What was kept of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing was written.
    Nothing,
    /// The pending file.
    Pending,
    /// The snapshot.
    Snapshot,
}

/// Keeps what a run yielded, as the policy says. Where the text is the same, a pending file from an earlier run is
/// removed.
pub fn keep(path: &Path, new: &Snapshot, comparison: &Comparison, policy: Policy) -> Result<Kept, DiskError> {
    let pending = pending_of(path);
    let writes = match comparison {
        Comparison::Same if policy.rewrites_same() => Writes::InPlace,
        Comparison::Same => {
            if policy.tidies() {
                disk::remove(&pending)?;
            }
            return Ok(Kept::Nothing);
        }
        Comparison::New { .. } => policy.of_difference(false),
        Comparison::Different(_) => policy.of_difference(true),
    };
    match writes {
        Writes::Nothing => Ok(Kept::Nothing),
        Writes::Beside => new.save(&pending).map(|()| Kept::Pending),
        Writes::InPlace => {
            new.save(path)?;
            disk::remove(&pending)?;
            Ok(Kept::Snapshot)
        }
    }
}

impl Pending {
    /// The pending file of a snapshot, if there is one.
    pub fn of(snapshot: &Path) -> Option<Self> {
        pending_of(snapshot).is_file().then(|| Self { snapshot: snapshot.to_path_buf() })
    }

    /// All in a folder and below, in the order of their paths.
    pub fn all(folder: &Path) -> Result<Vec<Self>, DiskError> {
        let files = files(folder)?.into_iter();
        let pending = files.filter(|path| path.to_string_lossy().ends_with(".snap.new"));
        Ok(pending.map(|path| Self { snapshot: path.with_extension("") }).collect())
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        pending_of(&self.snapshot)
    }

    /// Makes it the snapshot. What is no snapshot is refused.
    pub fn accept(&self) -> Result<(), LoadError> {
        let pending = self.path();
        if Snapshot::load(&pending)?.is_none() {
            return Err(DiskError::new("read", pending, ErrorKind::NotFound.into()).into());
        }
        let renamed = fs::rename(&pending, &self.snapshot);
        Ok(renamed.map_err(|error| DiskError::new("write", &self.snapshot, error))?)
    }

    /// Removes it.
    pub fn reject(&self) -> Result<(), DiskError> {
        disk::remove(&self.path()).map(drop)
    }
}

/// Our own snapshots in a folder and below that no scenario belongs to, pending ones too, in the order of their paths.
pub fn orphans(folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let snapshot_of = |path: &Path| match path.extension()?.to_str()? {
        "snap" => Some(path.to_path_buf()),
        "new" => Some(path.with_extension("")).filter(|path| path.extension().is_some_and(|e| e == "snap")),
        _ => None,
    };
    let mut orphans = files(folder)?;
    orphans.retain(|path| {
        let scenarios = snapshot_of(path).map(|snapshot| Mirror::scenarios_of(&snapshot));
        scenarios.is_some_and(|scenarios| !scenarios.iter().any(|file| file.exists())) && is_ours(path)
    });
    Ok(orphans)
}

/// A file that says with which view it was made. insta's own tests may keep theirs in the same folder.
fn is_ours(path: &Path) -> bool {
    matches!(Snapshot::load(path), Ok(Some(snapshot)) if snapshot.header.info.view.is_some())
}

/// All files in a folder and below; links to folders are not followed. No folder: no files.
fn files(folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let refused = |source| DiskError::new("read", folder, source);
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(refused(error)),
    };
    for entry in entries {
        let entry = entry.map_err(refused)?;
        if entry.file_type().map_err(refused)?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Header, Info, Update};

    struct Project {
        folder: tempfile::TempDir,
    }

    impl Project {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        /// Compares a text with what is kept in `snapshots/a/b.snap`, and keeps it.
        fn run(&self, text: &str, update: Update) -> (Comparison, Kept) {
            let path = self.path("snapshots/a/b.snap");
            let new = snapshot(text);
            let comparison = Comparison::of(Snapshot::load(&path).unwrap().as_ref(), &new);
            let kept = keep(&path, &new, &comparison, Policy { update, ci: false }).unwrap();
            (comparison, kept)
        }

        fn text(&self, path: &str) -> Option<String> {
            Snapshot::load(&self.path(path)).unwrap().map(|snapshot| snapshot.text)
        }
    }

    fn snapshot(text: &str) -> Snapshot {
        let info = Info { view: Some(1), ..Info::default() };
        Snapshot::new(Header { info, ..Header::default() }, text)
    }

    #[test]
    fn a_new_text_waits_is_accepted_and_stays() {
        let project = Project::new();
        assert_eq!(project.run("one", Update::Auto), (Comparison::New { text: "one".into() }, Kept::Pending));
        assert_eq!(project.text("snapshots/a/b.snap"), None);
        let pending = Pending::all(&project.path("snapshots")).unwrap();
        assert_eq!(pending, [Pending { snapshot: project.path("snapshots/a/b.snap") }]);
        pending[0].accept().unwrap();
        assert_eq!(project.text("snapshots/a/b.snap").as_deref(), Some("one"));
        assert_eq!(Pending::all(&project.path("snapshots")).unwrap(), []);
        assert_eq!(project.run("one", Update::Auto), (Comparison::Same, Kept::Nothing));
    }

    #[test]
    fn a_matching_run_removes_what_waited() {
        let project = Project::new();
        project.run("one", Update::Always);
        let (comparison, kept) = project.run("two", Update::Auto);
        assert!(matches!(comparison, Comparison::Different(_)) && kept == Kept::Pending);
        assert_eq!(project.text("snapshots/a/b.snap.new").as_deref(), Some("two"));
        project.run("one", Update::No);
        assert!(Pending::of(&project.path("snapshots/a/b.snap")).is_some(), "`no` writes nothing at all");
        project.run("one", Update::Auto);
        assert_eq!(Pending::of(&project.path("snapshots/a/b.snap")), None);
        assert_eq!(project.text("snapshots/a/b.snap").as_deref(), Some("one"));
    }

    #[test]
    fn a_rejected_text_is_gone() {
        let project = Project::new();
        project.run("one", Update::Auto);
        Pending::of(&project.path("snapshots/a/b.snap")).unwrap().reject().unwrap();
        assert!(!project.path("snapshots/a/b.snap.new").exists());
    }

    #[test]
    fn each_mode_writes_where_it_says() {
        for (update, new, changed, same) in [
            (Update::Always, Kept::Snapshot, Kept::Snapshot, Kept::Nothing),
            (Update::Unseen, Kept::Snapshot, Kept::Pending, Kept::Nothing),
            (Update::Force, Kept::Snapshot, Kept::Snapshot, Kept::Snapshot),
            (Update::No, Kept::Nothing, Kept::Nothing, Kept::Nothing),
        ] {
            let project = Project::new();
            assert_eq!(project.run("one", update).1, new, "{update:?}");
            project.run("one", Update::Always);
            assert_eq!(project.run("two", update).1, changed, "{update:?}");
            project.run("two", Update::Always);
            assert_eq!(project.run("two", update).1, same, "{update:?}");
        }
    }

    #[test]
    fn accepting_what_is_no_snapshot_is_refused_and_loses_nothing() {
        let project = Project::new();
        project.run("one", Update::Always);
        fs::write(project.path("snapshots/a/b.snap.new"), "<<<<<<< mine\n").unwrap();
        let pending = Pending::of(&project.path("snapshots/a/b.snap")).unwrap();
        assert!(matches!(pending.accept(), Err(LoadError::Mistake(_))));
        assert_eq!(project.text("snapshots/a/b.snap").as_deref(), Some("one"));
        assert!(pending.path().exists());
    }

    #[test]
    fn only_our_own_snapshots_without_a_scenario_are_orphans() {
        let project = Project::new();
        project.run("one", Update::Always);
        project.run("two", Update::Auto);
        fs::write(project.path("snapshots/a/theirs.snap"), "---\nsource: src/lib.rs\n---\nx\n").unwrap();
        fs::write(project.path("snapshots/a/notes.txt"), "").unwrap();
        let found = orphans(&project.path("snapshots")).unwrap();
        assert_eq!(found, [project.path("snapshots/a/b.snap"), project.path("snapshots/a/b.snap.new")]);
        fs::create_dir_all(project.path("scenarios/a")).unwrap();
        fs::write(project.path("scenarios/a/b.yml"), "").unwrap();
        assert_eq!(orphans(&project.path("snapshots")).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error_with_its_path() {
        let project = Project::new();
        fs::write(project.path("snapshots"), "").unwrap();
        let error = keep(
            &project.path("snapshots/a.snap"),
            &snapshot("x"),
            &Comparison::New { text: "x".into() },
            Policy { update: Update::Always, ci: false },
        );
        assert!(error.unwrap_err().to_string().contains("snapshots"));
        assert!(Pending::all(&project.path("snapshots")).is_err());
    }
}
