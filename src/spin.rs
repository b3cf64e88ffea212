//! Looks again for a moment before a thread goes to sleep.
//!
//! A synchronous round trip crosses two threads that wait for each other. On an idle machine, a virtual one above all,
//! waking a sleeping thread takes as long as the whole round trip to a broker on the same machine.

use std::thread;
use std::time::{Duration, Instant};

/// About twice a round trip on one machine: whoever waits for longer loses little by going to sleep late.
const MOMENT: Duration = Duration::from_micros(150);

/// Asks for a moment, again and again, whether something holds; whether it does. Lets other threads go first.
pub fn until(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + MOMENT;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_at_least_once_and_ends() {
        let mut asked = 0;
        assert!(!until(|| {
            asked += 1;
            false
        }));
        assert!(asked >= 1);
        assert!(until(|| true));
    }
}
