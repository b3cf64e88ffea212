//! A source text and places in it.
