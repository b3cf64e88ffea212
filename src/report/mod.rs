//! One result model, many printers.
