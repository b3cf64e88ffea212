//! What messages are made of, and how it is written down.

use std::fmt::Write;

use inflight::kafka::ErrorCode;
use uuid::Uuid;

/// A value in a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    /// Bytes with a name, such as a batch.
    Named(String, Vec<u8>),
    Error(i16),
    Time(i64),
    ProducerId(i64),
    Port(i32),
    Uuid(Uuid),
    /// What stands for a value that differs from run to run.
    Word(String),
    List(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

/// A struct of a request: `fields! { acks: 1, topics: vec![…] }`. What is not named has its default.
#[macro_export]
macro_rules! fields {
    ($($name:ident: $value:expr),* $(,)?) => {
        $crate::wire::Value::Struct(vec![$((stringify!($name).to_owned(), $crate::wire::Value::from($value))),*])
    };
}

impl Value {
    /// The field of that name; null if there is none.
    pub(crate) fn get(&self, name: &str) -> &Self {
        match self {
            Self::Struct(fields) => {
                fields.iter().find(|(known, _)| known == name).map_or(&Self::Null, |(_, value)| value)
            }
            _ => &Self::Null,
        }
    }

    /// The elements of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A number; −1 for anything else.
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(value) | Self::Time(value) | Self::ProducerId(value) => *value,
            Self::Error(code) => i64::from(*code),
            _ => -1,
        }
    }

    /// A text; empty for anything else.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    fn is_rows(&self) -> bool {
        matches!(self, Self::List(items) if items.iter().any(|item| matches!(item, Self::Struct(_))))
    }

    /// In one line, for requests.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Text(text) => shortened(text),
            Self::Int(value) | Self::Time(value) | Self::ProducerId(value) => value.to_string(),
            Self::Port(port) => port.to_string(),
            Self::Uuid(id) => id.to_string(),
            Self::Word(word) => word.clone(),
            Self::Named(name, _) => name.clone(),
            Self::Error(0) => "0".to_owned(),
            Self::Error(code) => format!("{}({code})", ErrorCode(*code)),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::line).collect::<Vec<_>>().join(", "))
            }
            Self::Struct(fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name}: {}", value.line()));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// A struct as lines: its plain fields in the first, each row of its lists in lines of its own below.
    pub(crate) fn lines(&self, indent: usize, lines: &mut Vec<String>) {
        let Self::Struct(fields) = self else {
            lines.push(format!("{:indent$}{}", "", self.line()));
            return;
        };
        let mut first = String::new();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_rows()) {
            let _ = write!(first, " {name}={}", value.line());
        }
        match lines.last_mut() {
            Some(open) if open.ends_with(':') => open.push_str(&first),
            _ => lines.push(format!("{:indent$}{}", "", first.trim_start())),
        }
        for (name, value) in fields.iter().filter(|(_, value)| value.is_rows()) {
            for item in value.items() {
                lines.push(format!("{:indent$}  {name}:", ""));
                item.lines(indent + 2, lines);
            }
        }
    }
}

fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= 300 {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(12).collect();
    format!("{start:?}… of {count}")
}

/// Bytes as text where they are, else as hexadecimal digits.
pub(crate) fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => {
            let count = text.chars().count();
            if count > 40 {
                let start: String = text.chars().take(12).collect();
                return format!("{start:?}… of {count}");
            }
            format!("{text:?}")
        }
        _ => hex(bytes),
    }
}

/// Bytes as hexadecimal digits, the first of them where they are many.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes.iter().take(64) {
        let _ = write!(digits, "{byte:02x}");
    }
    if bytes.len() > 64 { format!("{digits}… of {}", bytes.len()) } else { digits }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! from_int {
    ($($int:ty)*) => {
        $(impl From<$int> for Value {
            fn from(value: $int) -> Self {
                Self::Int(value.into())
            }
        })*
    };
}

from_int!(i8 i16 i32 i64);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
