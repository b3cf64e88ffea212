//! The clock of a cluster: the system's, and what it was moved ahead.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often producers and records are looked at that are too old, in milliseconds
/// (`producer.id.expiration.check.interval.ms`).
const INTERVAL: i64 = 600_000;

/// A clock that can be moved ahead.
#[derive(Debug)]
pub(super) struct Clock {
    /// Milliseconds.
    advanced: AtomicI64,
    /// When the last look was, in milliseconds since 1970.
    looked: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { advanced: AtomicI64::new(0), looked: AtomicI64::new(system()) }
    }
}

impl Clock {
    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        system().saturating_add(self.advanced.load(Ordering::Relaxed))
    }

    /// Moves it ahead.
    pub(super) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let add = |advanced: i64| Some(advanced.saturating_add(by));
        // The closure never declines.
        let _ = self.advanced.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// The time, if the next look is due.
    pub(super) fn is_due(&self) -> Option<i64> {
        let now = self.now();
        if now.saturating_sub(self.looked.load(Ordering::Relaxed)) < INTERVAL {
            return None;
        }
        self.looked.store(now, Ordering::Relaxed);
        Some(now)
    }
}

fn system() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_due_when_the_interval_is_over() {
        let clock = Clock::default();
        let before = clock.now();
        assert_eq!(clock.is_due(), None);
        clock.advance(Duration::from_mins(10));
        let due = clock.is_due().unwrap();
        assert!(due >= before + INTERVAL);
        assert_eq!(clock.is_due(), None);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), i64::MAX);
        assert_eq!(clock.is_due(), Some(i64::MAX));
    }
}
