//! What is wrong with a template before it is ever rendered: syntax, and names that it does not have.

mod walk;

use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::{self, Span, Token};

use crate::diagnostic::nearest;

use crate::plan::template::environment::{environment, syntax};
use crate::plan::template::fault::{Fault, FaultKind};
use walk::{Use, uses};

/// So many words, operators and the like stand in one tag at most.
const MAX_PARTS: usize = 500;
/// So many statements, `{% … %}`, stand in a template at most.
const MAX_STATEMENTS: usize = 500;

/// The variables of every template.
const VARIABLES: &[&str] = &["i", "n"];
/// The functions of every template, ours first.
const FUNCTIONS: &[&str] = &["uuid", "random", "repeat", "pad", "range", "dict", "namespace"];
/// minijinja's filters.
const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
    "zip",
];
/// minijinja's tests.
const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];

/// The syntax tree of a template.
pub(super) fn parse(text: &str) -> Result<Stmt<'_>, Vec<Fault>> {
    refuse_long_tags(text)?;
    machinery::parse(text, "template", syntax()).map_err(|error| vec![Fault::syntax(&error)])
}

/// Refuses tags and statements so long that reading them would take more stack than there is: minijinja's parser calls
/// itself for every `not` and every `elif`.
fn refuse_long_tags(text: &str) -> Result<(), Vec<Fault>> {
    let (mut parts, mut statements) = (0, 0);
    for token in machinery::tokenize(text, false, syntax()) {
        // What cannot be split into tokens cannot be parsed either, and the parser says why.
        let Ok((token, span)) = token else { break };
        match token {
            Token::VariableStart => parts = 0,
            Token::BlockStart => (parts, statements) = (0, statements + 1),
            _ => parts += 1,
        }
        if parts > MAX_PARTS || statements > MAX_STATEMENTS {
            let message = format!(
                "a template has at most {MAX_STATEMENTS} statements, and a tag at most {MAX_PARTS} parts"
            );
            let range = Some(span.start_offset as usize..span.end_offset as usize);
            return Err(vec![Fault { kind: FaultKind::Syntax, message, help: None, range }]);
        }
    }
    Ok(())
}

/// Everything that is wrong with a template as far as its text shows it.
pub(super) fn check(text: &str) -> Result<(), Vec<Fault>> {
    let tree = parse(text)?;
    let uses = uses(&tree);
    let assigned: Vec<&str> = uses.iter().filter_map(Use::assigned).collect();
    let faults: Vec<Fault> = uses.iter().filter_map(|usage| fault(usage, &assigned)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault(usage: &Use<'_>, assigned: &[&str]) -> Option<Fault> {
    match *usage {
        Use::Variable(name, span) if FUNCTIONS.contains(&name) => Some(Fault {
            help: Some(format!("write {name}(…)")),
            ..unknown("variable", name, VARIABLES, span)
        }),
        Use::Variable(name, span) if !VARIABLES.contains(&name) && !assigned.contains(&name) => {
            Some(unknown("variable", name, VARIABLES, span))
        }
        Use::Function(name, span) if !FUNCTIONS.contains(&name) && !assigned.contains(&name) => {
            Some(unknown("function", name, FUNCTIONS, span))
        }
        Use::Filter(name, span) if !exists(name, "filter") => Some(unknown("filter", name, FILTERS, span)),
        Use::Test(name, span) if !exists(name, "test") => Some(unknown("test", name, TESTS, span)),
        Use::Statement(name, span) => Some(Fault {
            kind: FaultKind::Syntax,
            message: format!("a template of a message has no '{name}'"),
            help: None,
            range: Some(span.start_offset as usize..span.end_offset as usize),
        }),
        _ => None,
    }
}

/// The mistake of a name that a template does not have.
fn unknown(what: &str, name: &str, known: &[&str], span: Span) -> Fault {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None if known.len() > 10 => format!("see minijinja's list of {what}s"),
        None => format!("a template has the {what}s {}", known.join(", ")),
    };
    Fault {
        kind: FaultKind::Name,
        message: format!("a template has no {what} '{name}'"),
        help: Some(help),
        range: Some(span.start_offset as usize..span.end_offset as usize),
    }
}

/// Whether minijinja has a filter or test of that name.
fn exists(name: &str, kind: &str) -> bool {
    let environment = environment();
    let found = environment.compile_expression_owned(format!("name is {kind}"));
    let found = found.and_then(|expression| expression.eval(minijinja::context! { name => name }));
    found.is_ok_and(|value| value.is_true())
}

/// Whether `{{ i }}`, `pad(i, …)` or `uuid()` stands in a template outside of conditions and loops.
pub(super) fn has_identity(text: &str) -> bool {
    let Ok(Stmt::Template(template)) = parse(text) else { return false };
    template.children.iter().any(|child| match child {
        Stmt::EmitExpr(emit) => match &emit.expr {
            Expr::Var(name) => name.id == "i",
            Expr::Call(call) => match &call.expr {
                Expr::Var(function) if function.id == "uuid" => true,
                Expr::Var(function) if function.id == "pad" => {
                    matches!(call.args.first(), Some(machinery::ast::CallArg::Pos(Expr::Var(name))) if name.id == "i")
                }
                _ => false,
            },
            _ => false,
        },
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_names_are_minijinjas() {
        assert!(FILTERS.iter().all(|name| exists(name, "filter")));
        assert!(TESTS.iter().all(|name| exists(name, "test")));
        assert!(!exists("uper", "filter"));
        let environment = environment();
        let mut globals: Vec<String> = environment.globals().map(|(name, _)| name.to_owned()).collect();
        let mut known: Vec<String> = FUNCTIONS.iter().map(|name| (*name).to_owned()).collect();
        globals.sort();
        known.sort();
        assert_eq!(globals, known);
    }

    #[test]
    fn no_template_takes_more_stack_than_there_is() {
        // As deep as the limits allow, on the stack of a thread.
        for deep in ["(", "[", "not ", "-", "i ~ ", "i if i else ", "not(", "i.a", "{'a': "] {
            for count in [MAX_PARTS / 3, MAX_PARTS, 200_000] {
                let text = format!("{{{{ {} i }}}}", deep.repeat(count));
                let _ = crate::plan::template::Template::compile(&text, 1);
            }
        }
        let filters = format!("{{{{ i{} }}}}", "|upper".repeat(MAX_PARTS / 2 - 1));
        assert!(crate::plan::template::Template::compile(&filters, 1).is_ok());
        for (open, close) in
            [("{% if i %}", "{% endif %}"), ("{% for a in [1] %}", "{% endfor %}"), ("{% elif i %}", "")]
        {
            for count in [100, MAX_STATEMENTS / 2 - 2, 200_000] {
                let text = format!("{{% if i %}}{}{}{{% endif %}}", open.repeat(count), close.repeat(count));
                let _ = crate::plan::template::Template::compile(&text, 1);
            }
        }
    }

    #[test]
    fn names_that_a_template_does_not_have_are_found() {
        let found = |text: &str| {
            check(text).err().unwrap_or_default().into_iter().map(|f| f.message).collect::<Vec<_>>()
        };
        assert_eq!(found("{{ i }} {{ j }}"), ["a template has no variable 'j'"]);
        assert_eq!(found("{{ uid() }}"), ["a template has no function 'uid'"]);
        assert_eq!(
            found("{{ i | uper }}{% if i is od %}{% endif %}"),
            ["a template has no filter 'uper'", "a template has no test 'od'"]
        );
        assert_eq!(
            found("{% for k in range(j) %}{{ k }}{{ loop.index }}{% endfor %}"),
            ["a template has no variable 'j'"]
        );
        assert_eq!(found("{% set a = 1 %}{{ a }}{{ uuid }}"), ["a template has no variable 'uuid'"]);
        assert_eq!(found("{% include 'x' %}"), ["a template of a message has no 'include'"]);
        assert_eq!(found("{{ i").len(), 1);
        assert_eq!(check("{{ ii }}").unwrap_err()[0].range, Some(3..5));
    }
}
