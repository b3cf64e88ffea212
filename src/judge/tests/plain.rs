//! Plain cases, each as a reader of the reference would write it down.
