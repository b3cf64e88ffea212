//! What will happen: a scenario with its defaults explicit, its names resolved and its templates compiled.
