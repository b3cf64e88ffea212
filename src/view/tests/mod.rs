//! What each kind of line reads like, and that no two views read alike.

mod lines;
mod speed;
