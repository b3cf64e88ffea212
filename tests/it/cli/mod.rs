//! The program as its users have it: a folder with files, arguments, an environment, and what comes out.

mod bootstrap;
mod broker;
mod check;
mod faults;
mod keeping;
mod matrix;
mod others;
pub(crate) mod project;
mod run;
pub(crate) mod served;
mod show;
