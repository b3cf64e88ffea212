//! Mistakes, shown on the user's own text.
