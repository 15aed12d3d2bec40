//! A TCP proxy that does what networks do: it delays, stalls, cuts and refuses.
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

const STEP: Duration = Duration::from_millis(1);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From who has connected.
    There,
    Back,
}

#[derive(Default)]
struct Shared {
    to: Mutex<String>,
    stopped: AtomicBool,
    refuse: AtomicBool,
    stalled: [AtomicBool; 2],
    delay_ms: AtomicU64,
    /// How many more bytes go through before the connection is cut; without one if it is the maximum.
    budget: AtomicU64,
    /// Begun connections.
    begun: AtomicUsize,
    open: Mutex<Vec<[TcpStream; 2]>>,
}

/// Forwards connections until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}
impl Proxy {
    pub(crate) fn start(to: impl ToString) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        shared.budget.store(u64::MAX, SeqCst);
        *shared.to.lock().unwrap() = to.to_string();
        let kept = shared.clone();
        spawn(move || {
            while !kept.stopped.load(SeqCst) {
                match listener.accept() {
                    Ok((from, _)) if !kept.refuse.load(SeqCst) => forward(from, &kept),
                    Ok(_) => {}
                    Err(_) => sleep(STEP),
                }
            }
        });
        Proxy { address, shared }
    }
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
    /// From the next connection on.
    pub(crate) fn set_target(&self, to: impl ToString) {
        *self.shared.to.lock().unwrap() = to.to_string();
    }
    /// Whether new connections are closed at once.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.shared.refuse.store(refuse, SeqCst);
    }
    /// Whether nothing goes this way, as if a cable was pulled.
    pub(crate) fn stall(&self, way: Way, stalled: bool) {
        self.shared.stalled[way as usize].store(stalled, SeqCst);
    }
    /// Every piece takes this much longer.
    pub(crate) fn delay(&self, delay: Duration) {
        self.shared.delay_ms.store(delay.as_millis() as u64, SeqCst);
    }
    /// Closes all connections. What is under way is lost, and as it is, the ends see a reset.
    pub(crate) fn cut(&self) {
        for [from, to] in self.shared.open.lock().unwrap().drain(..) {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
    }
    /// Cuts when so many more bytes have gone through, in the middle of whatever goes then.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.shared.budget.store(bytes, SeqCst);
    }
    /// How many connections there have been.
    pub(crate) fn begun(&self) -> usize {
        self.shared.begun.load(SeqCst)
    }
}
impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, SeqCst);
        self.cut();
    }
}

fn forward(from: TcpStream, shared: &Arc<Shared>) {
    let target = shared.to.lock().unwrap().clone();
    let Ok(to) = TcpStream::connect(target) else { return };
    shared.begun.fetch_add(1, SeqCst);
    let both = [from.try_clone().unwrap(), to.try_clone().unwrap()];
    shared.open.lock().unwrap().push(both);
    for (way, mut source, mut target) in
        [(Way::There, from.try_clone().unwrap(), to.try_clone().unwrap()), (Way::Back, to, from)]
    {
        source.set_nonblocking(false).unwrap();
        source.set_read_timeout(Some(10 * STEP)).unwrap();
        target.set_nodelay(true).unwrap();
        let shared = shared.clone();
        spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            loop {
                if shared.stopped.load(SeqCst) {
                    break;
                }
                if shared.stalled[way as usize].load(SeqCst) {
                    sleep(STEP);
                    continue;
                }
                let read = match source.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                    Err(_) => break,
                };
                match shared.delay_ms.load(SeqCst) {
                    0 => {}
                    ms => sleep(Duration::from_millis(ms)),
                }
                // What was waited for when the stall began is part of it.
                while shared.stalled[way as usize].load(SeqCst) && !shared.stopped.load(SeqCst) {
                    sleep(STEP);
                }
                let budget = shared.budget.load(SeqCst);
                let goes = usize::try_from(budget).unwrap_or(usize::MAX).min(read);
                if target.write_all(&buffer[..goes]).is_err() {
                    break;
                }
                if budget != u64::MAX {
                    if budget <= read as u64 {
                        shared.budget.store(u64::MAX, SeqCst);
                        break;
                    }
                    shared.budget.store(budget - read as u64, SeqCst);
                }
            }
            let _ = source.shutdown(Shutdown::Both);
            let _ = target.shutdown(Shutdown::Both);
        });
    }
}
