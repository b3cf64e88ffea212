//! The direction of the house, held against the imports of every file: a module imports only from modules with a
//! smaller layer number, no two files import each other in a circle, and nothing outgrows the size budget without a
//! written reason. Code under `#[cfg(test)]` is free to import what it needs for its fixtures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::library::files;

/// The layer of every module. The same number means strangers.
const LAYERS: &[(&str, u32)] = &[
    ("disk", 0),
    ("spin", 0),
    ("id", 0),
    ("source", 0),
    ("submissions", 1),
    ("diagnostic", 1),
    ("kafka", 1),
    ("scenario", 2),
    ("trace", 2),
    ("fault", 3),
    ("plan", 4),
    ("broker", 5),
    ("cluster", 5),
    ("link", 5),
    ("producer", 5),
    ("judge", 5),
    ("view", 6),
    ("run", 6),
    ("snapshot", 7),
    ("session", 8),
    ("report", 9),
    ("cli", 10),
    ("main", 11),
];

/// The embedded broker and the cluster client can be lifted out: they know nothing of scenarios or plans.
const STRICTER: &[(&str, u32)] = &[("broker", 2), ("cluster", 2)];

/// One file of the library, by its module path: `["trace", "recorder"]`; `mod.rs` is the module itself.
type Module = Vec<String>;

struct Tree {
    files: BTreeMap<Module, TokenStream>,
}

impl Tree {
    fn read() -> Self {
        let files = files();
        Self { files: files.iter().map(|file| (module_of(&file.path), parse(&file.text))).collect() }
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (module_of(Path::new(path)), parse(text)));
        Self { files: files.collect() }
    }

    /// Which file each file imports from.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        self.files
            .iter()
            .map(|(module, tokens)| {
                let mut paths = Vec::new();
                collect(tokens.clone(), module, 0, &mut paths);
                let targets =
                    paths.iter().filter_map(|path| self.file_of(path, 0)).filter(|to| *to != module);
                (module, targets.collect())
            })
            .collect()
    }

    /// The file in which a path ends, seen through re-exports.
    fn file_of(&self, path: &[String], depth: u32) -> Option<&Module> {
        let (file, _) = (1..=path.len()).rev().find_map(|n| self.files.get_key_value(&path[..n]))?;
        let Some(name) = path.get(file.len()).filter(|_| depth < 8) else { return Some(file) };
        let child = self.reexports(file).into_iter().find(|reexport| reexport.last() == Some(name));
        child.and_then(|child| self.file_of(&child, depth + 1)).or(Some(file))
    }

    fn reexports(&self, module: &Module) -> Vec<Module> {
        let tokens: Vec<TokenTree> = self.files[module].clone().into_iter().collect();
        let mut found = Vec::new();
        for at in 0..tokens.len() {
            let follows =
                |word: &str, n: usize| tokens.get(at + n).is_some_and(|token| token.to_string() == word);
            if follows("pub", 0) && follows("use", 1) {
                let end = tokens[at..].iter().position(|token| token.to_string() == ";").unwrap_or(0);
                let mut names = Vec::new();
                expand(&tokens[at + 2..at + end], &[], &mut names);
                found.extend(names.into_iter().filter_map(|name| resolve(&name, module, 0)));
            }
        }
        found
    }

    fn upward_imports(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (from, targets) in self.imports() {
            let Some(own) = from.first() else { continue };
            let limit = STRICTER.iter().find(|(name, _)| name == own).map(|(_, limit)| *limit);
            for to in targets.into_iter().filter_map(|to| to.first()).filter(|to| *to != own) {
                let (Some(a), Some(b)) = (layer(own), layer(to)) else {
                    found.push(format!("{own} or {to} has no layer"));
                    continue;
                };
                if b >= a || limit.is_some_and(|limit| b > limit) {
                    found.push(format!("{} imports {to}", from.join("::")));
                }
            }
        }
        found
    }

    /// A file that reaches itself over its imports.
    fn cycle(&self) -> Option<String> {
        let imports = self.imports();
        for start in imports.keys() {
            let mut stack: Vec<Vec<&Module>> = vec![vec![*start]];
            let mut seen = BTreeSet::new();
            while let Some(way) = stack.pop() {
                for next in imports.get(way.last()?).into_iter().flatten() {
                    if next == start {
                        let names: Vec<_> =
                            way.iter().chain([next]).map(|module| module.join("::")).collect();
                        return Some(names.join(" → "));
                    }
                    if seen.insert(*next) {
                        stack.push(way.iter().copied().chain([*next]).collect());
                    }
                }
            }
        }
        None
    }
}

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn module_of(path: &Path) -> Module {
    let mut module: Module =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

fn parse(text: &str) -> TokenStream {
    text.parse().expect("a file of src/ is Rust")
}

/// Every path of the file that starts with `crate`, `super`, `self` or, in a private `use`, with a child module.
/// `pub use` is no import: it only gives another name to what stands elsewhere.
fn collect(tokens: TokenStream, module: &Module, inline: usize, paths: &mut Vec<Module>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let word = |at: usize| tokens.get(at).map(ToString::to_string).unwrap_or_default();
    let mut at = 0;
    let mut test_only = false;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) if word(at.wrapping_sub(1)) == "#" => {
                test_only |= group.to_string().replace(' ', "") == "[cfg(test)]";
            }
            // `pub(in crate::plan)` says who sees something, and imports nothing.
            TokenTree::Group(_) if word(at.wrapping_sub(1)) == "pub" => {}
            TokenTree::Group(group) => {
                let is_inline_module =
                    group.delimiter() == Delimiter::Brace && at > 1 && word(at - 2) == "mod";
                if !test_only {
                    collect(group.stream(), module, inline + usize::from(is_inline_module), paths);
                }
                test_only = false;
            }
            TokenTree::Ident(ident) if ident == "use" && word(at + 1) != "<" => {
                let end = at + tokens[at..].iter().position(|token| token.to_string() == ";").unwrap_or(0);
                let public = (at.saturating_sub(2)..at).any(|before| word(before) == "pub");
                let mut names = Vec::new();
                expand(&tokens[at + 1..end], &[], &mut names);
                if !public && !test_only {
                    paths.extend(names.iter().filter_map(|name| resolve(name, module, inline)));
                }
                at = end;
                test_only = false;
            }
            TokenTree::Ident(ident) if (ident == "crate" || ident == "super") && word(at + 1) == ":" => {
                let mut names = Vec::new();
                let end = at + tokens[at..].iter().take_while(|token| is_path(token)).count();
                expand(&tokens[at..end], &[], &mut names);
                paths.extend(names.iter().filter_map(|name| resolve(name, module, inline)));
                at = end.max(at + 1);
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => test_only = false,
            _ => {}
        }
        at += 1;
    }
}

fn is_path(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(_)) || matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`; what is behind `as` is left out.
fn expand(tokens: &[TokenTree], prefix: &[String], names: &mut Vec<Module>) {
    let mut path = prefix.to_vec();
    let mut renamed = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "as" => renamed = true,
            TokenTree::Ident(ident) if !renamed => path.push(ident.to_string()),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                inner.split(|token| token.to_string() == ",").for_each(|part| expand(part, &path, names));
                return;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".into()),
            _ => {}
        }
    }
    if path.len() > prefix.len() {
        names.push(path);
    }
}

/// A written path as one from the crate's root; none for another crate's.
fn resolve(path: &[String], module: &Module, inline: usize) -> Option<Module> {
    let mut base: Vec<Option<String>> = module.iter().cloned().map(Some).collect();
    base.extend((0..inline).map(|_| None));
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|word| word == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        // A child of this module, or another crate: only the first leads to a file.
        _ => {}
    }
    Some(base.into_iter().flatten().chain(rest.iter().cloned()).collect())
}

#[test]
fn no_module_imports_upward() {
    assert_eq!(Tree::read().upward_imports(), Vec::<String>::new());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_eq!(Tree::read().cycle(), None);
}

#[test]
fn every_module_has_a_layer() {
    for module in Tree::read().files.keys().filter_map(|module| module.first()) {
        assert!(layer(module).is_some(), "{module} has no layer in tests/it/architecture.rs");
    }
}

mod can_fail {
    use super::*;

    #[test]
    fn on_an_upward_import() {
        let tree = Tree::of(&[
            ("trace/mod.rs", "use crate::{id::Offset, plan::Plan};"),
            ("plan/mod.rs", ""),
            ("id.rs", ""),
        ]);
        assert_eq!(tree.upward_imports(), ["trace imports plan"]);
    }

    #[test]
    fn on_an_upward_path_in_the_middle_of_code() {
        let tree = Tree::of(&[("id.rs", "fn f() { vec![crate::cli::exit::OK] }"), ("cli/mod.rs", "")]);
        assert_eq!(tree.upward_imports(), ["id imports cli"]);
    }

    #[test]
    fn on_strangers() {
        let tree = Tree::of(&[("judge/mod.rs", ""), ("broker/log.rs", "use crate::judge;")]);
        assert_eq!(tree.upward_imports(), ["broker::log imports judge"]);
    }

    #[test]
    fn on_a_broker_that_knows_plans() {
        let tree = Tree::of(&[("plan/mod.rs", ""), ("broker/log.rs", "use crate::plan::Plan;")]);
        assert_eq!(tree.upward_imports(), ["broker::log imports plan"]);
    }

    #[test]
    fn on_a_circle_of_files_even_through_a_re_export() {
        let tree = Tree::of(&[
            ("view/mod.rs", "mod fold; mod text; pub use fold::Fold;"),
            ("view/fold.rs", "use super::text::Line;"),
            ("view/text.rs", "use super::Fold;"),
        ]);
        assert!(tree.cycle().is_some());
    }

    #[test]
    fn but_not_on_what_a_test_imports() {
        let tree =
            Tree::of(&[("id.rs", "#[cfg(test)] mod tests { use crate::cli::Exit; }"), ("cli/mod.rs", "")]);
        assert_eq!(tree.upward_imports(), Vec::<String>::new());
    }

    #[test]
    fn but_not_on_who_may_see_something() {
        let tree = Tree::of(&[
            ("judge/mod.rs", "mod facts; use facts::Facts;"),
            ("judge/facts.rs", "pub(in crate::judge) struct Facts;"),
        ]);
        assert_eq!(tree.cycle(), None);
    }

    #[test]
    fn but_not_on_a_module_that_names_its_children() {
        let tree = Tree::of(&[
            ("view/mod.rs", "mod fold; pub use fold::Fold; pub struct View;"),
            ("view/fold.rs", "use super::View;"),
        ]);
        assert_eq!(tree.cycle(), None);
    }
}
