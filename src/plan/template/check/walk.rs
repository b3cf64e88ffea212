//! A walk over a template's syntax tree that lists what it uses by name.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, CallArg, Expr, Stmt};

/// A name that a template uses, and where.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use<'a> {
    /// As a variable.
    Variable(&'a str, Span),
    /// As a function.
    Function(&'a str, Span),
    /// As a filter.
    Filter(&'a str, Span),
    /// As a test.
    Test(&'a str, Span),
    /// It gives the name a value of its own.
    Assigns(&'a str),
    /// A statement that templates of messages do without.
    Statement(&'static str, Span),
}

impl<'a> Use<'a> {
    /// The name that it gives a value.
    pub(super) fn assigned(&self) -> Option<&'a str> {
        match self {
            Self::Assigns(name) => Some(name),
            _ => None,
        }
    }
}

/// Everything that a template uses.
pub(super) fn uses<'a>(tree: &'a Stmt<'_>) -> Vec<Use<'a>> {
    let mut walk = Walk { found: vec![] };
    walk.statement(tree);
    walk.found
}

struct Walk<'a> {
    found: Vec<Use<'a>>,
}

impl<'a> Walk<'a> {
    fn statements(&mut self, statements: &'a [Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Stmt<'_>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(for_loop) => self.for_loop(for_loop),
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr);
                self.statements(&condition.true_body);
                self.statements(&condition.false_body);
            }
            Stmt::WithBlock(with) => {
                for (target, value) in &with.assignments {
                    self.target(target);
                    self.expression(value);
                }
                self.statements(&with.body);
            }
            Stmt::Set(set) => {
                self.target(&set.target);
                self.expression(&set.expr);
            }
            Stmt::SetBlock(set) => {
                self.target(&set.target);
                self.optional(set.filter.as_ref());
                self.statements(&set.body);
            }
            Stmt::FilterBlock(filter) => {
                self.expression(&filter.filter);
                self.statements(&filter.body);
            }
            other => self.found.extend(refused(other)),
        }
    }

    fn for_loop(&mut self, for_loop: &'a ast::ForLoop<'_>) {
        self.found.push(Use::Assigns("loop"));
        self.target(&for_loop.target);
        self.expression(&for_loop.iter);
        self.optional(for_loop.filter_expr.as_ref());
        self.statements(&for_loop.body);
        self.statements(&for_loop.else_body);
    }

    /// What stands left of an assignment.
    fn target(&mut self, target: &'a Expr<'_>) {
        match target {
            Expr::Var(name) => self.found.push(Use::Assigns(name.id)),
            Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            other => self.expression(other),
        }
    }

    fn optional(&mut self, expression: Option<&'a Expr<'_>>) {
        if let Some(expression) = expression {
            self.expression(expression);
        }
    }

    fn expressions(&mut self, expressions: &'a [Expr<'_>]) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn expression(&mut self, expression: &'a Expr<'_>) {
        match expression {
            Expr::Var(name) => self.found.push(Use::Variable(name.id, name.span())),
            Expr::Const(_) => {}
            Expr::UnaryOp(operation) => self.expression(&operation.expr),
            Expr::BinOp(operation) => {
                self.expression(&operation.left);
                self.expression(&operation.right);
            }
            Expr::Filter(filter) => {
                self.optional(filter.expr.as_ref());
                self.found.push(Use::Filter(filter.name, filter.span()));
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                self.expression(&test.expr);
                self.found.push(Use::Test(test.name, test.span()));
                self.arguments(&test.args);
            }
            Expr::GetAttr(get) => self.expression(&get.expr),
            Expr::GetItem(get) => {
                self.expression(&get.expr);
                self.expression(&get.subscript_expr);
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.expressions(&list.items),
            Expr::Tuple(tuple) => self.expressions(&tuple.items),
            Expr::Map(map) => {
                self.expressions(&map.keys);
                self.expressions(&map.values);
            }
            Expr::Slice(_) | Expr::Compare(_) | Expr::IfExpr(_) => self.compound(expression),
        }
    }

    /// Expressions of more than two parts.
    fn compound(&mut self, expression: &'a Expr<'_>) {
        match expression {
            Expr::Slice(slice) => {
                self.expression(&slice.expr);
                for part in [&slice.start, &slice.stop, &slice.step] {
                    self.optional(part.as_ref());
                }
            }
            Expr::Compare(compare) => {
                self.expression(&compare.expr);
                compare.ops.iter().for_each(|operation| self.expression(&operation.expr));
            }
            Expr::IfExpr(condition) => {
                self.expression(&condition.test_expr);
                self.expression(&condition.true_expr);
                self.optional(condition.false_expr.as_ref());
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &'a ast::Spanned<ast::Call<'_>>) {
        match &call.expr {
            Expr::Var(name) => self.found.push(Use::Function(name.id, name.span())),
            other => self.expression(other),
        }
        self.arguments(&call.args);
    }

    fn arguments(&mut self, arguments: &'a [CallArg<'_>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value)
                | CallArg::Kwarg(_, value) => self.expression(value),
            }
        }
    }
}

/// A statement that templates of messages do without.
fn refused<'a>(statement: &Stmt<'_>) -> Option<Use<'a>> {
    let (name, span) = match statement {
        Stmt::AutoEscape(escape) => ("autoescape", escape.span()),
        Stmt::Block(block) => ("block", block.span()),
        Stmt::Import(import) => ("import", import.span()),
        Stmt::FromImport(import) => ("import", import.span()),
        Stmt::Extends(extends) => ("extends", extends.span()),
        Stmt::Include(include) => ("include", include.span()),
        Stmt::Macro(definition) => ("macro", definition.span()),
        Stmt::CallBlock(call) => ("call", call.span()),
        Stmt::Do(call) => ("do", call.span()),
        _ => return None,
    };
    Some(Use::Statement(name, span))
}
