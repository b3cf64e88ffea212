//! Starts processes that end with this one: `setpriv --pdeathsig` watches the thread that started them, so that is a
//! thread which lives as long as the process.

use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex};

/// A process to start, and where to hand it.
type Order = (Command, Sender<std::io::Result<Child>>);

static KEEPER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, taken) = channel::<Order>();
    std::thread::spawn(move || {
        for (mut command, started) in taken {
            let _ = started.send(command.spawn());
        }
    });
    Mutex::new(orders)
});

/// Starts a process.
pub(crate) fn spawn(command: Command) -> std::io::Result<Child> {
    let (send, receive) = channel();
    let keeper = KEEPER.lock().expect("nobody panics with it").clone();
    keeper.send((command, send)).map_err(std::io::Error::other)?;
    receive.recv().map_err(std::io::Error::other)?
}
