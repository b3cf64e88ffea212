//! Two sides measured in turn.

use std::time::{Duration, Instant};

/// One comparison.
pub(crate) struct Versus<'a> {
    /// What is compared.
    pub(crate) name: &'a str,
    /// The names of the two sides: what everything is measured by, and what is measured.
    pub(crate) sides: [&'a str; 2],
    /// How often each is measured.
    pub(crate) rounds: usize,
}

impl Versus<'_> {
    /// Measures both sides as a whole, and prints how they compare.
    pub(crate) fn measure(&self, mut reference: impl FnMut(), mut measured: impl FnMut()) {
        self.compare(|| timed(&mut reference), || timed(&mut measured));
    }

    /// Compares what both sides measure of themselves.
    pub(crate) fn compare(
        &self,
        mut reference: impl FnMut() -> Duration,
        mut measured: impl FnMut() -> Duration,
    ) {
        if !self.is_chosen() {
            return;
        }
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            first.push(reference());
            second.push(measured());
        }
        let (first, second) = (Figures::of(first), Figures::of(second));
        println!("{}", self.name);
        let width = self.sides.iter().map(|side| side.len()).max().unwrap_or(0);
        for (side, figures) in self.sides.iter().zip([&first, &second]) {
            println!("  {side:width$}  best {:>9.3} ms   median {:>9.3} ms", figures.best, figures.median);
        }
        println!(
            "  {} takes {:.2} times as long, {:.2} of the throughput (medians {:.2} times as long)",
            self.sides[1],
            second.best / first.best,
            first.best / second.best,
            second.median / first.median
        );
    }

    /// Whether the command line names no comparison, or this one by a part of its name.
    fn is_chosen(&self) -> bool {
        let named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
        let mut wanted = named.peekable();
        wanted.peek().is_none() || wanted.any(|wanted| self.name.contains(&wanted))
    }
}

/// Milliseconds.
struct Figures {
    best: f64,
    median: f64,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
        Self { best: milliseconds(&times[0]), median: milliseconds(&times[times.len() / 2]) }
    }
}

/// How long something takes.
pub(crate) fn timed(what: &mut impl FnMut()) -> Duration {
    let began = Instant::now();
    what();
    began.elapsed()
}
