//! One broker's port and the connections to it, from start to stop and to the next start.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::broker::connection::serve;
use crate::broker::node::Node;

/// How long to wait when no connection can be accepted, such as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: u32 = 4_096;

/// How a broker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Requests that are being handled get their answers.
    Orderly,
    /// Every connection is cut at once.
    Abrupt,
}

/// A broker's place on the network.
#[derive(Debug)]
pub(super) struct Server {
    bound: SocketAddr,
    /// Holds the port while nobody listens on it: connections are refused, and the system gives it to nobody else.
    /// None where the system does not let two sockets have one port.
    _reserved: Option<TcpSocket>,
    listener: Option<TcpListener>,
    running: Option<Running>,
    ended: End,
    /// How many connections the whole cluster has.
    open: Arc<watch::Sender<usize>>,
}

#[derive(Debug)]
struct Running {
    stopping: CancellationToken,
    killed: CancellationToken,
    tasks: JoinSet<()>,
}

impl Server {
    /// Takes an address, with port 0 one that the system chooses. Nobody is served yet.
    pub(super) fn bind(listen: SocketAddr, open: &Arc<watch::Sender<usize>>) -> io::Result<Self> {
        let socket = reusable(listen)?;
        let bound = socket.local_addr()?;
        // Both must be bound before one of them listens.
        let reserved = reusable(bound).ok();
        let listener = Some(socket.listen(BACKLOG)?);
        Ok(Self {
            bound,
            _reserved: reserved,
            listener,
            running: None,
            ended: End::Orderly,
            open: Arc::clone(open),
        })
    }

    /// Where clients reach it. Who listens on all addresses is reached on this machine's own.
    pub(super) fn address(&self) -> SocketAddr {
        let ip = self.bound.ip();
        let host = if ip.is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { ip };
        SocketAddr::new(host, self.bound.port())
    }

    /// Whether clients are served.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// How it ended last.
    pub(super) fn ended(&self) -> End {
        self.ended
    }

    /// Listens on the port that it had before, if it does not yet.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        if self.listener.is_none() && self.running.is_none() {
            self.listener = Some(reusable(self.bound)?.listen(BACKLOG)?);
        }
        Ok(())
    }

    /// Serves clients, once it listens.
    pub(super) fn serve(&mut self, node: Node) {
        let Some(listener) = self.listener.take() else { return };
        let (stopping, killed) = (node.stopping.clone(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, node, Arc::clone(&self.open), killed.clone()));
        self.running = Some(Running { stopping, killed, tasks });
    }

    /// Closes the port and all connections, and waits until no request is handled any more.
    pub(super) async fn end(&mut self, how: End) {
        let Some(mut running) = self.running.take() else { return };
        self.ended = how;
        if how == End::Abrupt {
            running.killed.cancel();
        }
        running.stopping.cancel();
        while running.tasks.join_next().await.is_some() {}
    }
}

/// A socket on that address, which another one may have too as long as neither listens.
fn reusable(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows it would let others take the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    listener: TcpListener,
    node: Node,
    open: Arc<watch::Sender<usize>>,
    killed: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = node.stopping.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let counted = Counted::new(&open);
                    let node = node.clone();
                    connections.spawn(async move {
                        // Without it answers of a few bytes would wait for each other; a socket that cannot have it
                        // is about to fail anyway.
                        let _ = stream.set_nodelay(true);
                        serve(stream, &node).await;
                        drop(counted);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    loop {
        tokio::select! {
            biased;
            () = killed.cancelled() => break,
            joined = connections.join_next() => if joined.is_none() { break },
        }
    }
    connections.shutdown().await;
}

/// Counts an open connection as long as it lives, also when its task is aborted.
struct Counted(Arc<watch::Sender<usize>>);

impl Counted {
    fn new(open: &Arc<watch::Sender<usize>>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}
