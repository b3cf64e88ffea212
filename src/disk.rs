//! Files are written whole or not at all: beside their place first, then renamed over it. A full disk, a folder that
//! cannot be written to, or an interruption leaves what was there before.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
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
/// replaced. An existing file keeps its permissions. What is no file, such as `/dev/stdout`, is written to.
pub fn replace(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    let refused = |source| DiskError::new("write", path, source);
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let stream = File::options().write(true).open(path);
        return stream.and_then(|mut stream| stream.write_all(contents)).map_err(refused);
    }
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

/// Reads a file, none where there is none. At most so many bytes and one are read, so that a file that is too large can
/// be told. What is no file is refused before it is opened: a pipe would never end.
pub fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let refused = |source| DiskError::new("read", path, source);
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(refused(io::Error::other("it is no file"))),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map(|_| Some(bytes)).map_err(refused)
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

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(read(&path, 3).unwrap(), None);
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 3).unwrap().as_deref(), Some(b"1234".as_slice()));
        assert!(read(folder.path(), 3).unwrap_err().to_string().contains("it is no file"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_stays_one_and_a_full_disk_is_an_error() {
        let error = replace(Path::new("/dev/full"), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
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
