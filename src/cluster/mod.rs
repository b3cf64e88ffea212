//! Any cluster by its protocol, embedded or real: topics, offsets, reading logs back.
