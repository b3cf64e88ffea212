//! The network apart from requests: directions that are cut, connections that are closed.

use tokio::sync::watch;

use crate::fault::AfterClose;
use crate::id::BrokerId;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) enum Way {
    ToBroker,
    ToClient,
}

/// What is cut.
#[derive(Debug)]
pub(in crate::link) struct Network {
    cuts: watch::Sender<Vec<Cut>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    way: Way,
    /// None: to and from every broker.
    broker: Option<BrokerId>,
    after: AfterClose,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) enum Fate {
    /// It goes on.
    Goes,
    /// It was under way while the network was cut, and is lost, with its connection.
    Lost,
}

impl Default for Network {
    fn default() -> Self {
        Self { cuts: watch::Sender::new(Vec::new()) }
    }
}

impl Network {
    pub(super) fn cut(&mut self, ways: &[Way], broker: Option<BrokerId>, after: AfterClose) {
        let new = ways.iter().map(|way| Cut { way: *way, broker, after });
        self.cuts.send_modify(|cuts| cuts.extend(new));
    }

    pub(super) fn heal(&mut self) {
        self.cuts.send_replace(Vec::new());
    }

    pub(super) fn is_cut(&self) -> bool {
        !self.cuts.borrow().is_empty()
    }

    /// Where what comes now from a client is lost, itself or its answer.
    pub(super) fn loses(&self, broker: BrokerId) -> Option<Way> {
        let cuts = self.cuts.borrow();
        let loses = |way| {
            let own = |cut: &Cut| cut.way == way && cut.broker.is_none_or(|own| own == broker);
            cuts.iter().any(|cut| own(cut) && cut.after == AfterClose::Lose)
        };
        [Way::ToBroker, Way::ToClient].into_iter().find(|way| loses(*way))
    }

    /// For a wait until a direction is whole.
    pub(super) fn watch(&self) -> Watch {
        Watch(self.cuts.subscribe())
    }
}

/// Sees what is cut.
#[derive(Debug)]
pub(super) struct Watch(watch::Receiver<Vec<Cut>>);

impl Watch {
    /// Waits until a direction is whole.
    pub(super) async fn whole(mut self, way: Way, broker: BrokerId) -> Fate {
        let mut fate = Fate::Goes;
        loop {
            let own = {
                let all = self.0.borrow_and_update();
                all.iter().find(|cut| cut.way == way && cut.broker.is_none_or(|own| own == broker)).copied()
            };
            match own {
                None => return fate,
                Some(cut) if cut.after == AfterClose::Lose => fate = Fate::Lost,
                Some(_) => {}
            }
            if self.0.changed().await.is_err() {
                return fate;
            }
        }
    }
}
