//! How a record is recognised as one of the plan's messages.

use super::plan::Batch;

pub(super) fn tag(_batches: &mut [Batch]) {}
