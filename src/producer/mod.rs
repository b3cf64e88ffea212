//! The client under test behind one trait.
