//! What happened: facts in one total order, and what the logs held at the end.
