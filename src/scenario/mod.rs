//! What was written: the YAML vocabulary of a scenario, read with the place of every leaf.
