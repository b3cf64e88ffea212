//! Which thread of the application sends which messages.

use crate::id::MessageId;

use super::Batch;

/// The messages of a batch that one thread sends: every so-manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The first of them.
    pub first: MessageId,
    /// How many.
    pub count: u32,
    /// From one to the next.
    pub step: u32,
}

impl Share {
    /// The n-th of them, from 0.
    pub fn message(&self, n: u32) -> MessageId {
        self.first.plus(n * self.step)
    }

    /// What is left of it behind the first `n`.
    #[must_use]
    pub fn behind(&self, n: u32) -> Self {
        Self { first: self.message(n), count: self.count - n, step: self.step }
    }
}

impl Batch {
    /// Whether threads of their own send it, and not the one that takes the steps.
    pub fn is_concurrent(&self) -> bool {
        self.threads > 1
    }

    /// What each of its threads sends; of a batch that is not concurrent, all of it.
    pub fn shares(&self) -> impl Iterator<Item = Share> {
        let (threads, count) = (self.threads.max(1), self.count);
        (0..threads.min(count)).map(move |thread| Share {
            first: self.first.plus(thread),
            count: (count - thread).div_ceil(threads),
            step: threads,
        })
    }

    /// The thread that sends one of its messages, from 0; none where it is not concurrent.
    pub fn thread_of(&self, message: MessageId) -> Option<u32> {
        let place = message.0.checked_sub(self.first.0)?;
        self.is_concurrent().then(|| place % self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixture::plan;

    #[test]
    fn each_message_is_in_the_share_of_its_thread() {
        for (count, threads) in [(1, 1), (7, 1), (7, 2), (7, 3), (7, 7), (8, 4)] {
            let batch = Batch { first: MessageId(5), threads, ..plan(count).batches[0].clone() };
            let mut all = Vec::new();
            for (share, thread) in batch.shares().zip(0..) {
                let messages: Vec<_> = (0..share.count).map(|n| share.message(n)).collect();
                let own = Some(thread).filter(|_| threads > 1);
                assert!(messages.iter().all(|message| batch.thread_of(*message) == own));
                all.extend(messages);
            }
            all.sort_unstable();
            assert_eq!(all, (5..5 + count).map(MessageId).collect::<Vec<_>>());
            assert_eq!(batch.shares().count(), threads as usize);
        }
    }
}
