//! One fluent builder for all tests of the program: a project in a folder of its own, and what it makes of it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// Three synchronous sends; nothing about it depends on time.
pub(crate) const GOOD: &str = "topic: t\ncount: 3\nmode: sync\nproducer: { config: { linger.ms: 0 } }\n";

/// It sends nothing before a minute has passed.
pub(crate) const SLOW: &str =
    "topic: t\ncount: 2\nmode: sync\nack_wait: 50s\nproducer: { config: { linger.ms: 55000 } }\n";

/// It asks for what does not happen.
pub(crate) const FAILING: &str =
    "topic: t\ncount: 3\nmode: sync\nproducer: { config: { linger.ms: 0 } }\nexpect: { delivered: none }\n";

/// It has a field that nobody knows.
pub(crate) const WRONG: &str = "topic: t\ncuont: 3\n";

/// A folder with files, in which the program is called.
pub(crate) struct Project {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What a call of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Project {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// A project with one good scenario whose snapshot is accepted.
    pub(crate) fn accepted() -> Self {
        let project = Self::new().scenario("good", GOOD);
        project.call(&["run", "--accept"]).exits(0);
        project
    }

    /// With a file `scenarios/NAME.yaml`.
    pub(crate) fn scenario(self, name: &str, text: &str) -> Self {
        self.file(&format!("scenarios/{name}.yaml"), text)
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// With a variable of the environment, for every call.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect(path)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// All files of the project by their paths, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.folder.path()).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    /// The program, ready to be started in the project: without a terminal, and with no variable but those given.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inflight"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Calls the program and waits for its end.
    pub(crate) fn call(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Starts the program; its output can be read while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("it prints UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("it prints UTF-8"),
            code: output.status.code(),
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The standard output has this in it.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "it does not say {text:?}: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn says_nothing_of(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "it says {text:?}: {self:#?}");
        self
    }

    /// The standard error has this in it.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "it does not complain {text:?}: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn complains_of_nothing(self) -> Self {
        assert_eq!(self.stderr, "", "{self:#?}");
        self
    }
}
