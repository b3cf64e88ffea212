//! Finds the files of scenarios.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::snapshot::ENDINGS;

/// The files that paths mean, in the order of the paths, each once: a file itself, whatever its ending; of a folder
/// all `*.yaml` and `*.yml` in it and below, in the order of their paths. Hidden files and folders are left out, links
/// to folders are not followed. A path where nothing is counts as a file, whose reader will say so.
pub(super) fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DiskError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let start = files.len();
            collect(path, &mut files)?;
            files[start..].sort();
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(identity(file)));
    Ok(files)
}

/// One file has many paths.
fn identity(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DiskError> {
    let refused = |source| DiskError::new("read", folder, source);
    for entry in fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type().map_err(refused)?.is_dir() {
            match collect(&path, files) {
                // It was there a moment ago.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done?,
            }
        } else if path.extension().is_some_and(is_ending) && !path.is_dir() {
            files.push(path);
        }
    }
    Ok(())
}

fn is_ending(ending: &OsStr) -> bool {
    ENDINGS.iter().any(|known| ending == *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, paths: &[&str]) -> Vec<String> {
        let paths: Vec<_> = paths.iter().map(|path| folder.path().join(path)).collect();
        let files = discover(&paths).unwrap().into_iter();
        files.map(|file| file.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
    }

    #[test]
    fn folders_give_their_scenarios_in_order() {
        let folder =
            project(&["s/b.yaml", "s/a/c.yml", "s/a.yaml", "s/.hidden.yaml", "s/.git/x.yaml", "s/n.txt"]);
        assert_eq!(found(&folder, &["s"]), ["s/a/c.yml", "s/a.yaml", "s/b.yaml"]);
    }

    #[test]
    fn each_file_comes_once_where_it_was_named_first() {
        let folder = project(&["s/a.yaml", "s/b.yaml", "x"]);
        assert_eq!(found(&folder, &["s/b.yaml", "s", "x", "s/../s/a.yaml"]), ["s/b.yaml", "s/a.yaml", "x"]);
    }

    #[test]
    fn what_is_not_there_is_left_to_its_reader() {
        let folder = project(&[]);
        assert_eq!(found(&folder, &["none.yaml"]), ["none.yaml"]);
        assert!(found(&folder, &[""]).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_no_circle() {
        let folder = project(&["s/a.yaml"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("s/up")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("s/up.yaml")).unwrap();
        assert_eq!(found(&folder, &["s"]), ["s/a.yaml"]);
    }
}
