//! The header of a snapshot: insta's keys, written as insta writes them, so that accepting with either tool gives the
//! same file.

use std::fmt;

use serde_json::Value;

/// What stands above the text, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The scenario's file, relative to the folder that holds `snapshots/`, with `/` between its parts.
    pub source: Option<String>,
    /// The scenario's own description.
    pub description: Option<String>,
    /// The command that yields the text.
    pub expression: Option<String>,
    /// What the text was made with.
    pub info: Info,
}

/// What a text was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The version of the view; none in a file that is not ours.
    pub view: Option<u32>,
    /// The client's name.
    pub client: String,
    /// The client's version.
    pub version: String,
    /// For each producer by name the settings that the scenario or its preset gave, as they took effect.
    pub settings: Vec<(String, Vec<(String, String)>)>,
}

impl fmt::Display for Header {
    /// The header's YAML, from the first `---` to the end of its last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("---\n")?;
        let keys =
            [("source", &self.source), ("description", &self.description), ("expression", &self.expression)];
        for (key, value) in keys {
            if let Some(value) = value {
                entry(f, 0, key, value)?;
            }
        }
        self.info.fmt(f)
    }
}

impl Header {
    /// Reads what any version of insta or of ourselves may have written: what is not understood is left out.
    pub(super) fn of_yaml(yaml: &str) -> Result<Self, serde_yaml::Error> {
        // insta writes `y` and `n` without quotes, and means the letters.
        let options = serde_yaml::options! { strict_booleans: true };
        let value: Value = serde_yaml::from_str_with_options(yaml, options)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(String::from);
        Ok(Self {
            source: text("source"),
            description: text("description"),
            expression: text("expression"),
            info: value.get("info").map(Info::of_value).unwrap_or_default(),
        })
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("info:\n")?;
        if let Some(view) = self.view {
            writeln!(f, "  view: {view}")?;
        }
        entry(f, 1, "client", &self.client)?;
        entry(f, 1, "version", &self.version)?;
        let mut settings = self.settings.iter().filter(|(_, settings)| !settings.is_empty()).peekable();
        if settings.peek().is_some() {
            f.write_str("  settings:\n")?;
        }
        for (producer, settings) in settings {
            writeln!(f, "    {}:", scalar(producer))?;
            settings.iter().try_for_each(|(key, value)| entry(f, 3, key, value))?;
        }
        Ok(())
    }
}

impl Info {
    fn of_value(info: &Value) -> Self {
        let text = |key: &str| info.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let settings = info.get("settings").and_then(Value::as_object).into_iter().flatten();
        Self {
            view: info.get("view").and_then(Value::as_u64).and_then(|view| u32::try_from(view).ok()),
            client: text("client"),
            version: text("version"),
            settings: settings
                .map(|(producer, settings)| (producer.clone(), Self::settings_of(settings)))
                .collect(),
        }
    }

    fn settings_of(settings: &Value) -> Vec<(String, String)> {
        let settings = settings.as_object().into_iter().flatten();
        settings
            .map(|(key, value)| match value {
                Value::String(text) => (key.clone(), text.clone()),
                other => (key.clone(), other.to_string()),
            })
            .collect()
    }
}

fn entry(f: &mut fmt::Formatter<'_>, level: usize, key: &str, value: &str) -> fmt::Result {
    writeln!(f, "{:indent$}{}: {}", "", scalar(key), scalar(value), indent = level * 2)
}

/// A string as insta's emitter writes it (insta 1.49, `content/yaml/vendored/emitter.rs`).
fn scalar(text: &str) -> String {
    let text = printable(text);
    if !needs_quotes(&text) {
        return text;
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Spells out what insta's emitter would write raw and a YAML reader refuses or takes for the end of a line.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        let raw = matches!(c, '\n' | '\t' | '\r');
        let odd = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
        if odd && !raw {
            printable.extend(c.escape_unicode());
        } else {
            printable.push(c);
        }
    }
    printable
}

fn needs_quotes(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "yes", "Yes", "YES", "no", "No", "NO", "True", "TRUE", "true", "False", "FALSE", "false", "on", "On",
        "ON", "off", "Off", "OFF", "null", "Null", "NULL", "~",
    ];
    let first = |c: char| "&*?|-<>=!%@. ".contains(c);
    let anywhere = |c: char| ":{}[],#`\"'\\\t\n\r".contains(c);
    text.is_empty()
        || text.starts_with(first)
        || text.ends_with(' ')
        || text.contains(anywhere)
        || text.starts_with("0x")
        || text.starts_with("0o")
        || WORDS.contains(&text)
        || text.parse::<i64>().is_ok()
        || text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        let settings = vec![
            ("acks".into(), "all".into()),
            ("linger.ms".into(), "5".into()),
            ("client.id".into(), "a: b".into()),
        ];
        Header {
            source: Some("scenarios/seed/sync.yaml".into()),
            description: Some("each send waits\nfor \"its\" acknowledgement".into()),
            expression: Some("inflight run scenarios/seed/sync.yaml".into()),
            info: Info {
                view: Some(1),
                client: "librdkafka".into(),
                version: "2.12.1".into(),
                settings: vec![("producer".into(), settings)],
            },
        }
    }

    #[test]
    fn it_looks_as_insta_writes_it() {
        insta::assert_snapshot!(header().to_string(), @r#"
        ---
        source: scenarios/seed/sync.yaml
        description: "each send waits\nfor \"its\" acknowledgement"
        expression: inflight run scenarios/seed/sync.yaml
        info:
          view: 1
          client: librdkafka
          version: 2.12.1
          settings:
            producer:
              acks: all
              linger.ms: "5"
              client.id: "a: b"
        "#);
    }

    #[test]
    fn what_others_wrote_is_read_as_far_as_it_is_understood() {
        let header = Header::of_yaml("source: a.rs\nassertion_line: 7\nexpression: 12\ninfo: [1]\n").unwrap();
        assert_eq!(header, Header { source: Some("a.rs".into()), ..Header::default() });
        assert_eq!(Header::of_yaml("").unwrap(), Header::default());
        assert!(Header::of_yaml("source: {").is_err());
    }

    #[test]
    fn one_letter_is_no_boolean() {
        for letter in ["y", "Y", "n", "N"] {
            let header = Header { description: Some(letter.into()), ..header() };
            assert_eq!(Header::of_yaml(&header.to_string()).unwrap().description.as_deref(), Some(letter));
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(source in any::<String>(), key in "\\PC{1,20}", value in any::<String>()) {
            let mut header = header();
            header.source = Some(source);
            header.description = Some(value.clone());
            header.info.settings = vec![(key.clone(), vec![(key, value)])];
            let read = Header::of_yaml(&header.to_string()).unwrap();
            prop_assert_eq!(read.to_string(), header.to_string());
            prop_assert_eq!(read.source, header.source.map(|source| printable(&source)));
        }
    }
}
