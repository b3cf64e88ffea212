//! Reviewed snapshots in insta's file format, beside their pending ones.
