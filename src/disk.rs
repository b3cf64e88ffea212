//! Files are written whole or not at all: beside their place first, then renamed over it. A full disk, a folder that
//! cannot be written to, or an interruption leaves what was there before.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The disk refused; what was there before is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct DiskError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl DiskError {
    /// What was tried (`read`, `write`), with which file or folder, and what the system said.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), source }
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What kind of refusal it was.
    pub fn kind(&self) -> ErrorKind {
        self.source.kind()
    }
}

/// Writes a file, or replaces one, and makes the folders that it stands in. A link stays a link: what it points at is
/// replaced. An existing file keeps its permissions.
pub fn replace(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    let refused = |source| DiskError::new("write", path, source);
    let target = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::canonicalize(path).map_err(refused)?,
        _ => path.to_path_buf(),
    };
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|source| DiskError::new("make the folder", folder, source))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".inflight-");
    #[cfg(unix)]
    builder.permissions(permissions(&target));
    let mut beside =
        builder.tempfile_in(folder).map_err(|source| DiskError::new("write into", folder, source))?;
    beside.write_all(contents).map_err(refused)?;
    beside.persist(&target).map_err(|error| refused(error.error))?;
    Ok(())
}

/// Writes a file that is not there yet, and makes the folders that it stands in. An existing file is never touched:
/// the error is then of the kind `AlreadyExists`.
pub fn create(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    let refused = |source| DiskError::new("write", path, source);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| DiskError::new("make the folder", folder, source))?;
    }
    let mut file = File::create_new(path).map_err(refused)?;
    file.write_all(contents).map_err(|source| {
        // Half a file helps nobody; if it cannot be removed either, the first error says why.
        drop(fs::remove_file(path));
        refused(source)
    })
}

/// Removes a file; whether there was one.
pub fn remove(path: &Path) -> Result<bool, DiskError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(DiskError::new("remove", path, error)),
    }
}

/// Those of the file that is there, or what a new file gets: all that the process's mask allows.
#[cfg(unix)]
fn permissions(path: &Path) -> Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).map_or_else(|_| Permissions::from_mode(0o666), |found| found.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_with_its_folders_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.snap");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no temporary file is left");
    }

    #[test]
    fn a_refusal_names_the_path_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = replace(&folder.path().join("file/a.snap"), b"x").unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
        fs::create_dir(folder.path().join("folder.snap")).unwrap();
        let error = replace(&folder.path().join("folder.snap"), b"x").unwrap_err();
        assert!(error.to_string().contains("folder.snap"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&folder.path().join("x".repeat(300)), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidFilename);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_there_is_never_created_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        create(&path, b"one").unwrap();
        assert_eq!(create(&path, b"two").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
