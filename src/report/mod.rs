//! Printers of the one result model: a file for each format. They consume; nothing is decided here.

mod details;
mod junit;
mod paint;
mod table;
mod terminal;

pub use junit::junit;
pub use paint::{Paint, printable, quoted};
pub use table::{Limits, show};
pub use terminal::{Detail, Terminal};
