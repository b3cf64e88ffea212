//! The link's ports: one for each producer and broker. A broker that announces itself later gets its ports then.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::id::{BrokerId, ProducerIndex};

use super::upstream::Upstream;
use super::wire::Addresses;

/// Who a port is for.
pub(super) type Place = (ProducerIndex, BrokerId);

/// All ports.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) upstream: Upstream,
    by_place: Mutex<HashMap<Place, u16>>,
    /// Ports that nobody serves yet.
    new: mpsc::UnboundedSender<(Place, std::net::TcpListener)>,
    unserved: Mutex<Option<mpsc::UnboundedReceiver<(Place, std::net::TcpListener)>>>,
    /// How many connections there are.
    open: watch::Sender<usize>,
}

impl Ports {
    /// Takes a port for each producer and each broker that is known.
    pub(super) fn bind(upstream: Upstream, producers: u16) -> io::Result<Arc<Self>> {
        let (new, unserved) = mpsc::unbounded_channel();
        let ports = Self {
            upstream,
            by_place: Mutex::new(HashMap::new()),
            new,
            unserved: Mutex::new(Some(unserved)),
            open: watch::Sender::new(0),
        };
        for broker in ports.upstream.ids() {
            for producer in 0..producers {
                ports.port((ProducerIndex(producer), broker))?;
            }
        }
        Ok(Arc::new(ports))
    }

    fn ports(&self) -> MutexGuard<'_, HashMap<Place, u16>> {
        self.by_place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The port of a place; a new one if it has none.
    fn port(&self, place: Place) -> io::Result<u16> {
        let mut ports = self.ports();
        if let Some(port) = ports.get(&place) {
            return Ok(*port);
        }
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        ports.insert(place, port);
        // Nobody serves any more once the link has stopped; then nobody asks for addresses either.
        let _ = self.new.send((place, listener));
        Ok(port)
    }

    /// Where a producer finds the brokers.
    pub(super) fn of(&self, producer: ProducerIndex) -> Vec<String> {
        let port = |broker| self.port((producer, broker)).ok();
        self.upstream.ids().into_iter().filter_map(port).map(|port| format!("{HOST}:{port}")).collect()
    }

    /// Ports that nobody serves yet, for the one who serves them; none if there is one already.
    pub(super) fn unserved(&self) -> Option<mpsc::UnboundedReceiver<(Place, std::net::TcpListener)>> {
        self.unserved.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until there is no connection.
    pub(super) async fn idle(&self) {
        // It fails only when the sender is gone, and that is in this.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

const HOST: &str = "127.0.0.1";

/// The addresses as one producer is told them.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) ports: &'a Ports,
    pub(super) producer: ProducerIndex,
}

impl Addresses for Told<'_> {
    fn announced(&self, broker: BrokerId, host: &str, port: i32) -> Option<(String, u16)> {
        // What the link itself has made is the link's already.
        let own = |place: &Place| place.0 == self.producer && place.1 == broker;
        let ports = self.ports.ports();
        let is_own = host == HOST && ports.iter().any(|(place, at)| own(place) && i32::from(*at) == port);
        drop(ports);
        if !is_own {
            self.ports.upstream.announced(broker, host, port);
        }
        self.ports.port((self.producer, broker)).ok().map(|port| (HOST.to_owned(), port))
    }

    fn learn(&self, topic: &str, id: Uuid) {
        let mut known = self.ports.upstream.known();
        if let Some(index) = known.names.get(topic).copied() {
            known.ids.insert(id, index);
        }
    }
}

/// A connection that is counted.
#[derive(Debug)]
pub(super) struct Open(pub(super) Arc<Ports>);

impl Open {
    pub(super) fn new(ports: &Arc<Ports>) -> Self {
        ports.open.send_modify(|open| *open += 1);
        Self(Arc::clone(ports))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}
