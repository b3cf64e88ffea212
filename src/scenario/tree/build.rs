//! Builds the tree of the events of the parser.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use serde_yaml::granit_parser::{self as granit, Event, Parser, ScalarStyle, ScanError, StructureStyle};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

use super::mistakes::{too_deep, unquoted};
use super::node::{Node, Value};

/// So many nodes at most, those that aliases repeat included.
const MAX_NODES: usize = 20_000;
/// So many levels at most.
pub(super) const MAX_DEPTH: usize = 64;
/// So many aliases at most.
const MAX_ALIASES: usize = 100;

/// Reads the only document of a text. Mistakes that do not keep the rest from being read go to `found`; one that does
/// is the error.
///
/// `text` is the source's text in which the ranges of `covered` are covered; what holds them is broken.
pub(super) fn parse(
    source: &Arc<Source>,
    text: &str,
    covered: &[Range<usize>],
    found: &mut Vec<Diagnostic>,
) -> Result<Rc<Node>, Stop> {
    let mut options = granit::Options::default();
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let mut builder = Builder {
        source,
        covered,
        found,
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        left: MAX_NODES,
        aliases: 0,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Stop::Syntax(error, builder.open_bracket()))?;
        if builder.take(event, &span)? == Next::Stop {
            break;
        }
    }
    builder.root.filter(|root| !root.is_null()).ok_or(Stop::Empty)
}

/// Why reading stopped before the end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is not YAML from there on; with the bracket that was open.
    Syntax(ScanError, Option<Span>),
    /// It is more than the budget allows.
    Budget(Box<Diagnostic>),
    /// Nothing is written.
    Empty,
}

#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

/// A collection whose end has not been seen.
struct Open {
    span: Span,
    anchor: usize,
    flow: bool,
    mapping: bool,
    children: Vec<Rc<Node>>,
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    covered: &'a [Range<usize>],
    found: &'a mut Vec<Diagnostic>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    left: usize,
    aliases: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, at: &granit::Span) -> Result<Next, Stop> {
        let span = self.span(at);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                self.second_document(span);
                return Ok(Next::Stop);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), at);
                let plain = style == ScalarStyle::Plain;
                let bytes = span.range();
                let broken = self.covered.iter().any(|slip| slip.start < bytes.end && bytes.start < slip.end);
                // The parser writes `~` where nothing is written.
                let text = if plain && bytes.is_empty() { String::new() } else { text.into_owned() };
                let value = if broken { Value::Broken } else { Value::Scalar { text, plain } };
                self.add(Node::leaf(span, value), anchor)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), at);
                self.begin(span, anchor, style == StructureStyle::Flow, false)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), at);
                self.begin(span, anchor, style == StructureStyle::Flow, true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::UnresolvedAlias(name) => {
                let message = format!("there is no anchor '&{name}' before this alias");
                self.found.push(Diagnostic::new(Code::Yaml, self.source, span, message));
                self.add(Node::leaf(span, Value::Broken), 0)?;
            }
            _ => {}
        }
        Ok(Next::Go)
    }

    fn span(&self, at: &granit::Span) -> Span {
        match at.byte_range() {
            Some(bytes) => self.source.span_of_bytes(bytes),
            None => self.source.span_of_chars(at.start.index()..at.end.index()),
        }
    }

    /// The innermost bracket that has not been closed.
    fn open_bracket(&self) -> Option<Span> {
        self.open.iter().rev().find(|open| open.flow).map(|open| open.span)
    }

    fn begin(&mut self, span: Span, anchor: usize, flow: bool, mapping: bool) -> Result<(), Stop> {
        if self.open.len() + 1 >= MAX_DEPTH {
            return Err(Stop::Budget(Box::new(too_deep(self.source, span))));
        }
        self.open.push(Open { span, anchor, flow, mapping, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let span = if open.flow { open.span.to(span) } else { extent(&open) };
        let size = open.children.iter().map(|child| child.size).sum::<usize>() + 1;
        let depth = open.children.iter().map(|child| child.depth).max().unwrap_or(0) + 1;
        let anchor = open.anchor;
        let value = if open.mapping { self.mapping(open, span) } else { Value::Sequence(open.children) };
        self.add(Node { span, value, size, depth }, anchor)
    }

    /// Pairs up keys and values, and tells a template without quotes (`{{ i }}`, which YAML reads as a mapping whose
    /// key is a mapping) from a real mapping.
    fn mapping(&mut self, open: Open, span: Span) -> Value {
        let looks_like_template = self.source.slice(span).starts_with("{{");
        if open.flow && looks_like_template {
            self.found.push(unquoted(self.source, span));
            return Value::Broken;
        }
        let mut entries = Vec::with_capacity(open.children.len() / 2);
        let mut children = open.children.into_iter();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            match &key.value {
                Value::Scalar { text, plain } if text == "<<" && *plain => self.found.push(
                    Diagnostic::new(
                        Code::YamlFeature,
                        self.source,
                        key.span,
                        "merge keys are no part of scenarios",
                    )
                    .help("write the fields out, or repeat a whole value with an anchor and an alias"),
                ),
                Value::Scalar { .. } => entries.push((key, value)),
                Value::Broken => {}
                Value::Sequence(_) | Value::Mapping(_) => self.found.push(Diagnostic::new(
                    Code::YamlFeature,
                    self.source,
                    key.span,
                    "a key must be a plain text",
                )),
            }
        }
        Value::Mapping(entries)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        let span = node.span;
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.place(node, 1, span)
    }

    fn place(&mut self, node: Rc<Node>, cost: usize, span: Span) -> Result<(), Stop> {
        let Some(left) = self.left.checked_sub(cost) else {
            let message =
                format!("more than {MAX_NODES} values in one file, those that aliases repeat included");
            return Err(Stop::Budget(Box::new(Diagnostic::new(Code::Budget, self.source, span, message))));
        };
        self.left = left;
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            let message = format!("more than {MAX_ALIASES} aliases in one file");
            return Err(Stop::Budget(Box::new(Diagnostic::new(Code::Budget, self.source, span, message))));
        }
        let Some(node) = self.anchors.get(&anchor).map(Rc::clone) else {
            self.found.push(Diagnostic::new(
                Code::YamlFeature,
                self.source,
                span,
                "this alias stands inside of what it repeats",
            ));
            return self.add(Node::leaf(span, Value::Broken), 0);
        };
        if self.open.len() + node.depth > MAX_DEPTH {
            return Err(Stop::Budget(Box::new(too_deep(self.source, span))));
        }
        let size = node.size;
        self.place(node, size, span)
    }

    fn refuse_tag(&mut self, tagged: bool, at: &granit::Span) {
        if tagged {
            let span = self.span(&at.tag_span().unwrap_or(*at));
            self.found.push(
                Diagnostic::new(Code::YamlFeature, self.source, span, "tags are no part of scenarios")
                    .help("leave it out: a field knows by itself what it takes"),
            );
        }
    }

    fn second_document(&mut self, span: Span) {
        self.found.push(
            Diagnostic::new(Code::Documents, self.source, span, "a second document begins here")
                .help("write each scenario into a file of its own"),
        );
    }
}

/// A block collection ends where its last child does; the parser names a later place.
fn extent(open: &Open) -> Span {
    open.children.iter().fold(open.span, |all, child| all.to(child.span))
}
