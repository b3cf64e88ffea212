//! The table, ready to be printed.

/// One run as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The heads of the columns: the application first, then the requests, then each log that holds something.
    pub columns: Vec<String>,
    /// From the first to the last thing that happened.
    pub rows: Vec<Row>,
}

/// What happened at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Each with its column, by column.
    pub cells: Vec<(usize, Cell)>,
}

/// What happened in one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// In a few words.
    pub text: String,
    /// How it ends for the messages that it is about.
    pub tone: Tone,
}

/// What becomes of messages, as far as the client says; of several the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// It is about no message.
    #[default]
    Plain,
    /// Acknowledged.
    Good,
    /// Nobody knows.
    Open,
    /// Failed.
    Bad,
}
