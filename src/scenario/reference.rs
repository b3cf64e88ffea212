//! The language as others read it: a JSON Schema for editors, and a page for people, both made of the model.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::model::Scenario;

/// What stands above the page.
const HEAD: &str = "\
# The scenario language

<!-- Made by `inflight schema --reference > docs/reference.md`; a test compares. -->

A scenario is a YAML file of at most 1 MiB: one document, 20,000 values, 64 levels, 100 aliases. Anchors and aliases
work; tags and merge keys do not. Text may stand in quotes or not; a number without quotes where text is wanted stands
for its characters. A template stands in quotes, since YAML reads `{{ i }}` without them as a mapping. A key that is not
known is a mistake, and so is one that stands twice. `docs/mistakes.md` explains every mistake.
";

/// The JSON Schema (draft 2020-12) of a scenario file, for editors. What is not built yet is not in it.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Scenario>().to_value()
}

/// The reference of the language as a Markdown page.
pub fn reference() -> String {
    let schema = schema();
    let mut page = HEAD.to_owned();
    section(&mut page, "Scenario", &schema);
    for (name, definition) in entries(&schema, "$defs") {
        section(&mut page, name, definition);
    }
    page
}

fn section(page: &mut String, name: &str, schema: &Value) {
    let _ = write!(page, "\n## {}\n\n{}\n", title(name), description(schema));
    let fields = entries(schema, "properties");
    if !fields.is_empty() {
        page.push_str("\n| field | takes | meaning |\n|---|---|---|\n");
        for (field, schema) in fields {
            let _ = writeln!(page, "| `{field}` | {} | {} |", takes(schema), description(schema));
        }
    }
    let forms = list(schema, "oneOf").iter().filter(|form| form.get("description").is_some());
    for (at, form) in forms.enumerate() {
        if at == 0 {
            page.push_str("\n| written | meaning |\n|---|---|\n");
        }
        let _ = writeln!(page, "| {} | {} |", written(form), description(form));
    }
}

/// How one of several forms is written.
fn written(form: &Value) -> String {
    match entries(form, "properties").first() {
        Some((word, value)) => format!("`{word}:` {}", takes(value)),
        None => takes(form),
    }
}

/// What a value may be, in a few words.
fn takes(schema: &Value) -> String {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let name = title(target.rsplit('/').next().unwrap_or(target));
        return format!("[{}](#{})", name.to_lowercase(), name.to_lowercase().replace(' ', "-"));
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return format!("`{word}`");
    }
    let forms = list(schema, "anyOf");
    if !forms.is_empty() {
        let forms: Vec<String> = forms.iter().filter(|form| !form.is_boolean()).map(takes).collect();
        return forms.join(" or ");
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => format!("list of {}", of_each(schema, "items")),
        Some("object") => format!("mapping to {}", of_each(schema, "additionalProperties")),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("null") => "nothing".to_owned(),
        Some("integer") => number(schema),
        _ => "text".to_owned(),
    }
}

fn of_each(schema: &Value, name: &str) -> String {
    match schema.get(name).map(takes).unwrap_or_default() {
        one if one.contains(" or ") => format!("({one})"),
        one => one,
    }
}

fn number(schema: &Value) -> String {
    let bound = |name| schema.get(name).and_then(Value::as_u64).unwrap_or_default();
    match (bound("minimum"), bound("maximum")) {
        (least, u64::MAX) => format!("number from {least}"),
        (least, most) => format!("number, {least} to {most}"),
    }
}

/// A description on one line.
fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.replace('\n', " ").replace('|', "\\|")
}

fn entries<'a>(schema: &'a Value, name: &str) -> Vec<(&'a String, &'a Value)> {
    schema.get(name).and_then(Value::as_object).map(Map::iter).into_iter().flatten().collect()
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `AnomalyKind` as `Anomaly kind`.
fn title(name: &str) -> String {
    let mut title = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !title.is_empty() {
            title.push(' ');
            title.extend(character.to_lowercase());
        } else {
            title.push(character);
        }
    }
    title
}
