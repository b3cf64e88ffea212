//! What was reviewed, and how it differs from what is: files in insta's own format, pending ones beside them.
//!
//! `scenarios/seed/sync.yaml` has its snapshot in `snapshots/seed/sync.snap`: a YAML header for people, `---`, and the
//! text of the view. Only the text is compared. A text that was not reviewed yet waits in `sync.snap.new`, where
//! `inflight accept` and `cargo insta review` find it.

mod compare;
mod file;
mod header;
mod mirror;
mod pending;
mod update;

pub use compare::{Comparison, Difference, Line, lines};
pub use file::{LoadError, Snapshot};
pub use header::{Header, Info};
pub use mirror::{ENDINGS, Mirror};
pub use pending::{Kept, Pending, keep, orphans};
pub use update::{Policy, UnknownUpdate, Update, Writes, is_ci};
