//! The size budget: nothing above it without a written reason. A small file can be read whole, a small function can be
//! seen whole, and a train of parameters is a noun that is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::library::files;

/// Lines of a file without its tests.
const FILE: usize = 300;
/// Lines of a function, from its name to its closing brace.
const FUNCTION: usize = 40;
/// Parameters of a function, `self` not counted.
const PARAMETERS: usize = 5;
/// Files and folders in a folder.
const FOLDER: usize = 8;

/// What is above the budget, and why that is right. A reason that is no longer needed fails the test too.
const REASONS: &[(&str, &str)] = &[
    ("broker/handler/", "one API a file"),
    ("cli/", "one file a command is easier to find than a grouping of commands"),
];

fn notes() -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    let mut folders: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for file in files() {
        of_text(&file.path.display().to_string(), &file.text, &mut notes);
        for path in file.path.ancestors() {
            if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
                folders.entry(folder.to_owned()).or_default().insert(path.to_owned());
            }
        }
    }
    for (folder, entries) in folders.iter().filter(|(_, entries)| entries.len() > FOLDER) {
        notes.insert(
            format!("{}/", folder.display()),
            format!("{} entries, more than {FOLDER}", entries.len()),
        );
    }
    notes
}

fn of_text(name: &str, text: &str, notes: &mut BTreeMap<String, String>) {
    if !text.trim_start().starts_with("//!") {
        notes.insert(name.to_owned(), "no //! that says what it is for".to_owned());
    }
    let mut tests = 0;
    let tokens: TokenStream = text.parse().expect("a file of src/ is Rust");
    functions(tokens, &mut tests, &mut |function, lines, parameters| {
        if lines > FUNCTION {
            notes.insert(format!("{name}: {function}"), format!("{lines} lines, more than {FUNCTION}"));
        }
        if parameters > PARAMETERS {
            notes.insert(
                format!("{name}: {function}"),
                format!("{parameters} parameters, more than {PARAMETERS}"),
            );
        }
    });
    let lines = text.lines().count() - tests;
    if lines > FILE {
        notes.insert(name.to_owned(), format!("{lines} lines without tests, more than {FILE}"));
    }
}

/// Calls back for every function outside of tests with its lines and parameters, and counts the lines of tests.
fn functions(tokens: TokenStream, tests: &mut usize, found: &mut impl FnMut(String, usize, usize)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_test(tokens.get(at + 1)) => {
                let body =
                    tokens[at..].iter().position(|token| brace(token).is_some() || token.to_string() == ";");
                let end = at + body.unwrap_or(1);
                *tests += lines(&tokens[at], &tokens[end.min(tokens.len() - 1)]);
                at = end;
            }
            TokenTree::Ident(ident) if ident == "fn" => {
                if let (Some(name), Some(body)) = (tokens.get(at + 1), body(&tokens[at..])) {
                    found(
                        name.to_string(),
                        lines(&tokens[at], &tokens[at + body]),
                        parameters(&tokens[at..]),
                    );
                }
            }
            TokenTree::Group(group) => functions(group.stream(), tests, found),
            _ => {}
        }
        at += 1;
    }
}

fn is_test(token: Option<&TokenTree>) -> bool {
    token.is_some_and(|token| token.to_string().replace(' ', "") == "[cfg(test)]")
}

fn brace(token: &TokenTree) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    }
}

/// Where the body of a function stands; none for one that is only declared, or a type such as `fn(u8)`.
fn body(tokens: &[TokenTree]) -> Option<usize> {
    tokens.get(1).filter(|token| matches!(token, TokenTree::Ident(_)))?;
    let end = tokens.iter().position(|token| brace(token).is_some() || token.to_string() == ";")?;
    brace(&tokens[end]).map(|_| end)
}

fn parameters(tokens: &[TokenTree]) -> usize {
    let list = tokens.iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group.stream()),
        _ => None,
    });
    let mut depth = 0i32;
    let mut parts = vec![String::new()];
    for token in list.into_iter().flatten() {
        let text = token.to_string();
        match text.as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            "," if depth <= 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push_str(&text);
    }
    let is_self =
        |part: &String| part.trim_start_matches(['&', '\'']).trim_start_matches("mut").ends_with("self");
    parts.iter().filter(|part| !part.is_empty() && !is_self(part)).count()
}

fn lines(first: &TokenTree, last: &TokenTree) -> usize {
    last.span().end().line - first.span().start().line + 1
}

fn of_one(text: &str) -> Vec<String> {
    let mut notes = BTreeMap::new();
    of_text("a.rs", text, &mut notes);
    notes.into_iter().map(|(place, what)| format!("{place}: {what}")).collect()
}

#[test]
fn nothing_is_above_the_budget_without_a_reason() {
    let found = notes();
    let without: Vec<_> =
        found.iter().filter(|(place, _)| !REASONS.iter().any(|(known, _)| known == place)).collect();
    assert!(without.is_empty(), "{without:#?}");
    for (place, reason) in REASONS {
        assert!(
            found.contains_key(*place),
            "{place} is within the budget: its reason ({reason}) is not needed"
        );
    }
}

#[test]
fn the_budget_can_be_exceeded() {
    let long = format!("//! A.\nfn f(&mut self) {{\n{}}}\n", "    g();\n".repeat(40));
    assert_eq!(of_one(&long), ["a.rs: f: 42 lines, more than 40"]);
    let wide = "//! A.\nfn f(a: u8, b: Map<u8, u8>, c: u8, d: u8, e: u8, f: u8) {}\n";
    assert_eq!(of_one(wide), ["a.rs: f: 6 parameters, more than 5"]);
    let many = format!("//! A.\n{}", "const A: u8 = 1;\n".repeat(300));
    assert_eq!(of_one(&many), ["a.rs: 301 lines without tests, more than 300"]);
    assert_eq!(of_one("fn f() {}"), ["a.rs: no //! that says what it is for"]);
}

#[test]
fn tests_do_not_count() {
    let text =
        format!("//! A.\nfn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn g() {}\n".repeat(400));
    assert_eq!(of_one(&text), Vec::<String>::new());
}
