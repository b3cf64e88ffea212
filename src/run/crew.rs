//! The producers of a run, where every thread of the application finds them.

use std::sync::{PoisonError, RwLock};

use crate::id::ProducerIndex;
use crate::producer::Producer;

/// By the plan's numbers, the producers that are open.
pub(super) struct Crew {
    places: Vec<RwLock<Option<Box<dyn Producer>>>>,
}

impl Crew {
    /// Places for so many producers, none of them open.
    pub(super) fn new(producers: usize) -> Self {
        Self { places: (0..producers).map(|_| RwLock::default()).collect() }
    }

    /// Asks a producer, unless it is not open. It stays open meanwhile.
    pub(super) fn with<T>(&self, index: ProducerIndex, ask: impl FnOnce(&dyn Producer) -> T) -> Option<T> {
        let place = self.places.get(index.index())?.read().unwrap_or_else(PoisonError::into_inner);
        place.as_deref().map(ask)
    }

    /// Whether a producer is open.
    pub(super) fn is_open(&self, index: ProducerIndex) -> bool {
        self.with(index, |_| ()).is_some()
    }

    /// The numbers of all of them, open or not.
    pub(super) fn all(&self) -> impl Iterator<Item = ProducerIndex> + use<> {
        (0..self.places.len()).filter_map(|at| u16::try_from(at).ok()).map(ProducerIndex)
    }

    /// A producer has been opened.
    pub(super) fn put(&self, index: ProducerIndex, producer: Box<dyn Producer>) {
        if let Some(place) = self.places.get(index.index()) {
            *place.write().unwrap_or_else(PoisonError::into_inner) = Some(producer);
        }
    }

    /// Takes a producer away when nobody asks it any more; nobody finds it from then on.
    pub(super) fn take(&self, index: ProducerIndex) -> Option<Box<dyn Producer>> {
        self.places.get(index.index())?.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets go of every producer. They report to those who know the crew: without this, neither would ever end.
    pub(super) fn close_all(&self) {
        self.all().filter_map(|index| self.take(index)).for_each(Producer::close);
    }
}
