//! The kinds of mistakes: their numbers, names and explanations.

use std::fmt;

use super::Severity;

/// The page that explains every kind, one section each; `inflight explain` shows a section of it.
const EXPLANATIONS: &str = include_str!("../../docs/mistakes.md");

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $word:literal,)*) => {
        /// The kinds of mistakes and warnings. A number, once given, never means something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All of them, in the order of their numbers, errors first.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number, such as `E012`.
            pub fn number(self) -> &'static str {
                match self { $(Self::$variant => $number,)* }
            }

            /// What it is called, in a few words.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

codes! {
    /// The file cannot be opened or read, or is none.
    Unreadable = "E001" "unreadable file",
    /// The file is larger than a scenario may be.
    TooLarge = "E002" "file too large",
    /// The file is not UTF-8.
    NotUtf8 = "E003" "not UTF-8",
    /// The file contains a character that no text contains.
    ControlCharacter = "E004" "control character",
    /// The file is not YAML.
    Yaml = "E005" "not YAML",
    /// A tab where YAML wants spaces.
    Tab = "E006" "tab as indentation",
    /// More than one document in the file.
    Documents = "E007" "several documents",
    /// Nothing is written in the file.
    Empty = "E008" "empty file",
    /// More nodes, levels or aliases than a scenario may have.
    Budget = "E009" "too much of it",
    /// A part of YAML that scenarios do without.
    YamlFeature = "E010" "unsupported YAML",
    /// A template without quotes, which YAML reads as a mapping.
    Unquoted = "E011" "template without quotes",
    /// A field that no such thing has.
    UnknownField = "E012" "unknown field",
    /// One key twice in a mapping.
    DuplicateKey = "E013" "duplicate key",
    /// A value of another kind than is wanted.
    WrongType = "E014" "wrong type",
    /// A number outside of its range.
    OutOfRange = "E015" "number out of range",
    /// Not a duration.
    Duration = "E016" "bad duration",
    /// Not one of the words that may stand there.
    UnknownWord = "E017" "unknown word",
    /// Something is missing.
    Missing = "E019" "missing field",
    /// Two fields that exclude each other.
    Conflict = "E020" "fields exclude each other",
    /// Not a legal name.
    Name = "E021" "bad name",
    /// One name for two things.
    NameTwice = "E022" "name used twice",
    /// A name that nothing has.
    UnknownName = "E023" "unknown name",
    /// A step that uses a producer after its close.
    AfterClose = "E024" "step after close",
    /// More messages, topics or the like than a scenario may have.
    Limit = "E025" "over a limit",
    /// A template that cannot be parsed.
    TemplateSyntax = "E026" "template does not parse",
    /// A template that uses a name that it does not have.
    TemplateName = "E027" "unknown name in a template",
    /// A template that fails for a message.
    TemplateFails = "E028" "template fails",
    /// A partition that the topic does not have.
    Partition = "E029" "partition out of range",
    /// A client setting that scenarios may not make.
    RefusedSetting = "E030" "refused setting",
    /// A client setting that the client does not know.
    UnknownSetting = "E031" "unknown setting",
    /// A value that the client refuses.
    SettingValue = "E032" "refused value",
    /// Settings that the client does not accept together.
    SettingsConflict = "E033" "settings exclude each other",
    /// An expectation of something that does not exist.
    UnknownExpectation = "E034" "unknown expectation",
    /// A submission that the scenario does not make.
    NotInPlan = "E035" "no such submission",
    /// Expectations that cannot all be true.
    Contradiction = "E036" "contradictory expectations",
    /// Two scenarios of one name.
    ScenarioTwice = "E037" "scenario name used twice",
    /// A snapshot with the markers of a merge that was not finished.
    MergeConflict = "E038" "unfinished merge",
    /// A snapshot that cannot be read.
    BrokenSnapshot = "E039" "broken snapshot",
    /// A step about transactions, of a producer that is not transactional.
    NotTransactional = "E040" "no transactional producer",
    /// A step that another step has to come before.
    StepOrder = "E041" "step out of order",
    /// A broker that has no replica of a partition, or replicas that brokers are missing for.
    NoReplica = "E042" "no such replica",
    /// A step that finds things as they should be only behind it.
    AlreadySo = "E043" "already so",
    /// A fault that no broker and no network could show.
    Impossible = "E044" "impossible fault",
    /// A fault that waits for a step that is not there.
    NeverReleased = "E045" "never released or armed",
    /// Messages that have to be told apart by their bytes, and are not.
    Alike = "E046" "messages alike",
    /// A matrix whose values, uses and expectations do not go together.
    Matrix = "E047" "matrix that does not fit",
    /// A scenario did not do what it should.
    Expectation = "F001" "not as expected",
    /// The client chooses partitions at random.
    RandomPartition = "W001" "random partitions",
    /// A total order that nothing makes certain.
    LooseOrder = "W002" "order not pinned",
    /// Records carry a header of the runner's own.
    Tagged = "W003" "header added",
    /// A fault takes requests of which the client decides what they carry.
    MayBatch = "W004" "may batch",
    /// A clock decides when something goes on.
    Clock = "W005" "a clock decides",
    /// Something was held until the logs were to be read.
    HeldToTheEnd = "W006" "held to the end",
    /// A reaction while the application goes on sending.
    RacingReaction = "W007" "racing reaction",
    /// What was sent without acknowledgements is not in a log that may still grow.
    NotThereYet = "W008" "not there yet",
}

impl Code {
    /// Whether it is a mistake, or what a scenario asked for and did not get, or only a warning.
    pub fn severity(self) -> Severity {
        if self.number().starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// Whether it is about what happened in a run, and not about what a file says.
    pub fn is_of_run(self) -> bool {
        matches!(self, Self::Expectation | Self::HeldToTheEnd | Self::NotThereYet)
    }

    /// The code of that number, as people write it: `E012`, `e12`.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (kind, digits) = text.split_at_checked(1)?;
        let number: u16 = digits.parse().ok()?;
        Self::ALL.iter().copied().find(|code| code.number() == format!("{kind}{number:03}"))
    }

    /// What it means, with an example that is wrong and one that is right, as Markdown; the first line is its title.
    pub fn explanation(self) -> &'static str {
        let start = EXPLANATIONS.find(&format!("## {} ", self.number())).unwrap_or(EXPLANATIONS.len());
        let section = EXPLANATIONS.get(start..).unwrap_or_default();
        let end = section.get(3..).and_then(|rest| rest.find("\n## ")).map_or(section.len(), |at| at + 4);
        section.get(..end).unwrap_or_default().trim_start_matches("## ").trim_end()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}
