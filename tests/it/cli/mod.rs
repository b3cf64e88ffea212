//! The program as its users have it: a folder with files, arguments, an environment, and what comes out.

mod check;
mod keeping;
mod others;
pub(crate) mod project;
mod run;
