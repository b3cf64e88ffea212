//! Hands arguments and environment to the library, and its exit code to the system.

fn main() {}
