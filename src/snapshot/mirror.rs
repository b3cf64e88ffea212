//! Where a scenario's snapshot is kept, and by which name the scenario is known without one of its own. Both follow
//! from the path of its file alone: no text inside a scenario chooses a path.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

const SCENARIOS: &str = "scenarios";
const SNAPSHOTS: &str = "snapshots";

/// The endings that a scenario's file may have.
pub const ENDINGS: &[&str] = &["yaml", "yml"];

/// The place of a scenario's snapshot.
///
/// Below the nearest folder that is named `scenarios`, the folder `snapshots` beside that one mirrors it. Elsewhere the
/// snapshot is in `snapshots/` beside the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The path below `scenarios/` without ending, or else the path as given; parts are separated by `/`.
    pub name: String,
    /// The snapshot's file.
    pub snapshot: PathBuf,
    /// The scenario's file as the snapshot's header names it: relative to the folder that holds `snapshots/`.
    pub source: String,
}

impl Mirror {
    /// Of a scenario's file. The path is relative to `here`, or absolute.
    pub fn of(file: &Path, here: &Path) -> Self {
        let whole = cleaned(&here.join(file));
        let (base, below) = split(&whole);
        let folder = relative(base, here).join(SNAPSHOTS);
        let in_scenarios = base.join(SCENARIOS).join(below) == whole;
        let (named, source) = if in_scenarios {
            (below.to_path_buf(), Path::new(SCENARIOS).join(below))
        } else {
            (normal_parts(file), below.to_path_buf())
        };
        Self {
            name: slashed(&without_ending(&named)),
            snapshot: with_last_ending(&folder.join(below)),
            source: slashed(&source),
        }
    }

    /// The folder of snapshots that mirrors a folder of scenarios.
    pub fn of_folder(folder: &Path, here: &Path) -> PathBuf {
        let whole = cleaned(&here.join(folder));
        let (base, below) = split_folder(&whole);
        relative(base, here).join(SNAPSHOTS).join(below)
    }

    /// The file that is written until the snapshot is reviewed.
    pub fn pending(&self) -> PathBuf {
        pending_of(&self.snapshot)
    }

    /// The word that `inflight accept` and `inflight reject` know the snapshot by, without spaces around it: the name
    /// where it is in `snapshots/` here, the scenario's file as given where it is elsewhere.
    pub fn word(&self, file: &Path) -> String {
        let here = Path::new(SNAPSHOTS).join(with_last_ending(Path::new(&self.name)));
        if here == self.snapshot { self.name.clone() } else { file.display().to_string() }
    }

    /// The files that a snapshot may belong to.
    pub fn scenarios_of(snapshot: &Path) -> Vec<PathBuf> {
        let Some((base, below)) = split_at(snapshot, SNAPSHOTS) else { return Vec::new() };
        let places = [base.join(SCENARIOS).join(below), base.join(below)];
        let files = places.iter().flat_map(|place| ENDINGS.iter().map(|ending| place.with_extension(ending)));
        files.collect()
    }
}

/// The pending file of a snapshot.
pub(super) fn pending_of(snapshot: &Path) -> PathBuf {
    let mut path = snapshot.as_os_str().to_owned();
    path.push(".new");
    path.into()
}

/// The folder that holds `snapshots/`, and the path below what it mirrors.
fn split(file: &Path) -> (&Path, &Path) {
    split_at(file, SCENARIOS).unwrap_or_else(|| {
        (file.parent().unwrap_or(Path::new("")), Path::new(file.file_name().unwrap_or_default()))
    })
}

fn split_folder(folder: &Path) -> (&Path, &Path) {
    if folder.file_name() == Some(OsStr::new(SCENARIOS)) {
        return (folder.parent().unwrap_or(Path::new("")), Path::new(""));
    }
    split_at(folder, SCENARIOS).unwrap_or((folder, Path::new("")))
}

/// Above and below the nearest folder of that name in which the path lies.
fn split_at<'a>(path: &'a Path, name: &str) -> Option<(&'a Path, &'a Path)> {
    let folder = path.ancestors().skip(1).find(|folder| folder.file_name() == Some(OsStr::new(name)))?;
    Some((folder.parent()?, path.strip_prefix(folder).ok()?))
}

/// Without `.` and `..`, by the letters of the path alone.
fn cleaned(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(cleaned.pop()),
            part => cleaned.push(part),
        }
    }
    cleaned
}

fn normal_parts(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// As the user would write it.
fn relative(path: &Path, here: &Path) -> PathBuf {
    path.strip_prefix(cleaned(here)).unwrap_or(path).to_path_buf()
}

fn without_ending(path: &Path) -> PathBuf {
    let known = path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    if known { path.with_extension("") } else { path.to_path_buf() }
}

fn with_last_ending(path: &Path) -> PathBuf {
    let mut name = without_ending(path).into_os_string();
    name.push(".snap");
    name.into()
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(OsStr::to_string_lossy).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str) -> (String, String, String) {
        let mirror = Mirror::of(Path::new(file), Path::new("/home/me/project"));
        (mirror.name, mirror.snapshot.display().to_string(), mirror.source)
    }

    fn owned(name: &str, snapshot: &str, source: &str) -> (String, String, String) {
        (name.into(), snapshot.into(), source.into())
    }

    #[test]
    fn snapshots_mirror_scenarios() {
        let sync = owned("seed/sync", "snapshots/seed/sync.snap", "scenarios/seed/sync.yaml");
        for file in [
            "scenarios/seed/sync.yaml",
            "./scenarios/seed/sync.yaml",
            "/home/me/project/scenarios/./seed/sync.yaml",
            "../project/scenarios/bugs/../seed/sync.yaml",
        ] {
            assert_eq!(of(file), sync, "{file}");
        }
        assert_eq!(of("scenarios/a.b.yml"), owned("a.b", "snapshots/a.b.snap", "scenarios/a.b.yml"));
        let other = owned("x", "/home/me/other/snapshots/x.snap", "scenarios/x.yaml");
        assert_eq!(of("../other/scenarios/x.yaml"), other);
    }

    #[test]
    fn a_scenario_is_found_from_inside_its_folder() {
        let mirror = Mirror::of(Path::new("seed/sync.yaml"), Path::new("/p/scenarios"));
        assert_eq!(mirror.name, "seed/sync");
        assert_eq!(mirror.snapshot, Path::new("/p/snapshots/seed/sync.snap"));
    }

    #[test]
    fn elsewhere_the_snapshot_is_beside() {
        assert_eq!(of("a/b.yaml"), owned("a/b", "a/snapshots/b.snap", "b.yaml"));
        assert_eq!(of("b.yaml"), owned("b", "snapshots/b.snap", "b.yaml"));
        assert_eq!(of("scenarios"), owned("scenarios", "snapshots/scenarios.snap", "scenarios"));
        assert_eq!(of("../b.yaml"), owned("b", "/home/me/snapshots/b.snap", "b.yaml"));
    }

    #[test]
    fn folders_have_their_mirrors() {
        let of = |folder: &str| Mirror::of_folder(Path::new(folder), Path::new("/p")).display().to_string();
        assert_eq!(of("scenarios"), "snapshots/");
        assert_eq!(of("scenarios/seed/"), "snapshots/seed");
        assert_eq!(of("a"), "a/snapshots/");
    }

    #[test]
    fn a_snapshot_knows_whose_it_may_be() {
        let files = Mirror::scenarios_of(Path::new("p/snapshots/seed/a.b.snap"));
        assert!(files.contains(&PathBuf::from("p/scenarios/seed/a.b.yaml")));
        assert!(files.contains(&PathBuf::from("p/seed/a.b.yml")));
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for file in ["/", "..", "", "scenarios/..", "scenarios/\0.yaml", "../../../../../../x.yaml"] {
            let snapshot = Mirror::of(Path::new(file), Path::new("/p")).snapshot;
            assert!(!snapshot.components().any(|part| part == Component::ParentDir), "{file}");
        }
    }
}
