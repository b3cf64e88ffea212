//! What of a run is stable, and its text.
