//! The direction of the house, held against the imports of every file.
