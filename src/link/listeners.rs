//! Accepts connections on the link's ports.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection;
use super::ports::{Open, Place, Ports, Told};
use super::state::Shared;

/// How long to wait when no connection can be accepted, such as without free file descriptors.
const PAUSE: Duration = Duration::from_millis(10);

/// Accepts and serves connections until the link stops, and returns when all have ended.
pub(super) async fn serve(ports: Arc<Ports>, shared: Arc<Shared>, stop: CancellationToken) {
    let Some(mut unserved) = ports.unserved() else { return };
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = tasks.join_next() => {}
            Some((place, listener)) = unserved.recv() => {
                let accepting = accept(place, listener, Arc::clone(&ports), Arc::clone(&shared), stop.clone());
                tasks.spawn(accepting);
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn accept(
    place: Place,
    listener: std::net::TcpListener,
    ports: Arc<Ports>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let open = Open::new(&ports);
                    let serving = serve_one(stream, place, open, Arc::clone(&shared), stop.clone());
                    connections.spawn(serving);
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn serve_one(
    stream: TcpStream,
    place: Place,
    open: Open,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    // Without it answers are only later.
    let _ = stream.set_nodelay(true);
    let told = Told { ports: &open.0, producer: place.0 };
    tokio::select! {
        () = connection::serve(stream, place.1, &told, &shared) => {}
        () = stop.cancelled() => {}
    }
}
