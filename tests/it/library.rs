//! The files of the library, without those that are only compiled for tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// One file of `src/`.
pub(crate) struct File {
    /// Its path below `src/`.
    pub(crate) path: PathBuf,
    /// What stands in it.
    pub(crate) text: String,
}

/// Every file of `src/` that is not behind a `#[cfg(test)] mod name;`, by path.
pub(crate) fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    collect(&root, &root, &mut all);
    let tests: BTreeSet<PathBuf> = all.iter().flat_map(test_modules).collect();
    let is_test = |file: &File| {
        tests.contains(&file.path.with_extension("")) || tests.iter().any(|test| file.path.starts_with(test))
    };
    let mut files: Vec<File> = all.into_iter().filter(|file| !is_test(file)).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("src/ is readable") {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("a file of src/ is readable");
            files.push(File { path: path.strip_prefix(root).unwrap().to_owned(), text });
        }
    }
}

/// Where the modules are that a file declares as `#[cfg(test)] mod name;`, without ending.
fn test_modules(file: &File) -> Vec<PathBuf> {
    let folder = match file.path.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs") => file.path.parent().unwrap().to_owned(),
        _ => file.path.with_extension(""),
    };
    let tokens: Vec<TokenTree> =
        file.text.parse::<TokenStream>().expect("a file of src/ is Rust").into_iter().collect();
    let words: Vec<String> = tokens.iter().map(|token| token.to_string().replace(' ', "")).collect();
    let behind_test =
        |at: &usize| words[*at] == "#" && words.get(at + 1).is_some_and(|word| word == "[cfg(test)]");
    let declared = (0..words.len()).filter(behind_test).filter_map(|at| {
        let mut rest = words[at + 2..].iter().skip_while(|word| *word == "pub" || word.starts_with("(crate"));
        let (keyword, name, end) = (rest.next()?, rest.next()?, rest.next()?);
        (keyword == "mod" && end == ";").then(|| folder.join(name))
    });
    declared.collect()
}
