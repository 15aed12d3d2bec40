//! The port of a process: who connects says which lane it wants, and is brought there or refused.
use super::control::Hub;
use super::dial::{GreetError, PATIENCE, hear, refuse, say};
use super::holder::{Holder, Holders};
use super::identity::{Greeting, Identity, IdentityError, Lane, Refusal};
use super::io::{Io, Stream, Task};
use super::tls::Tls;
use crate::error::{Error, Result};
use crate::exchange::session::Attempt;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// How long a connection is held whose attempt this process has not begun.
const HELD: Duration = Duration::from_secs(2);
/// How many connections may be in their handshake at a time.
const GREETED: usize = 256;

/// The data lanes of one attempt.
pub(super) struct Room {
    pub(super) attempt: Attempt,
    pub(super) me: u32,
    /// The processes that connect to this one, and who waits for them.
    pub(super) callers: HashMap<u32, mpsc::Sender<Stream>>,
}
#[derive(Default)]
struct Rooms {
    data: Option<Room>,
    /// The latest attempt that has had a room.
    begun: Option<Attempt>,
    control: Option<Arc<Hub>>,
}
/// What connections and lanes of a process share.
pub(super) struct Door {
    pub(super) identity: Identity,
    pub(super) tls: Option<Tls>,
    rooms: Mutex<Rooms>,
    /// Tells that there is another room.
    opened: watch::Sender<()>,
}
/// Where a connection goes.
enum Place {
    Data(mpsc::Sender<Stream>),
    Control(Arc<Hub>),
    /// Perhaps later.
    NotYet(Refusal),
    Nowhere(Refusal),
}
impl Door {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// From now on, data lanes are of this attempt.
    pub(super) fn open(&self, room: Room) {
        let mut rooms = self.rooms();
        rooms.begun = rooms.begun.max(Some(room.attempt));
        rooms.data = Some(room);
        drop(rooms);
        self.opened.send_replace(());
    }
    /// One more process is going to connect in this attempt.
    pub(super) fn expect(&self, attempt: Attempt, process: u32, caller: mpsc::Sender<Stream>) {
        let mut rooms = self.rooms();
        if let Some(room) = rooms.data.as_mut().filter(|room| room.attempt == attempt) {
            room.callers.insert(process, caller);
        }
        drop(rooms);
        self.opened.send_replace(());
    }
    /// And one is not any more.
    pub(super) fn expect_no_more(&self, attempt: Attempt, process: u32) {
        if let Some(room) = self.rooms().data.as_mut().filter(|room| room.attempt == attempt) {
            room.callers.remove(&process);
        }
    }
    /// The attempt is over here.
    pub(super) fn leave(&self, attempt: Attempt) {
        let mut rooms = self.rooms();
        if rooms.data.as_ref().is_some_and(|room| room.attempt == attempt) {
            rooms.data = None;
        }
    }
    /// From now on, control connections go there.
    pub(super) fn set_control(&self, hub: Arc<Hub>) {
        self.rooms().control = Some(hub);
        self.opened.send_replace(());
    }
    /// And no more, unless they go elsewhere by now.
    pub(super) fn end_control(&self, hub: &Arc<Hub>) {
        let mut rooms = self.rooms();
        if rooms.control.as_ref().is_some_and(|current| Arc::ptr_eq(current, hub)) {
            rooms.control = None;
        }
    }
    fn place(&self, lane: Lane) -> Place {
        let rooms = self.rooms();
        let (from, to, attempt) = match lane {
            Lane::Data { from, to, term, attempt } => (from, to, Attempt { term, attempt }),
            Lane::Control => {
                return rooms.control.clone().map_or_else(
                    || Place::NotYet(Refusal::too_early("there is no coordinator at this address, or not yet")),
                    Place::Control,
                );
            }
        };
        if let Some(begun) = rooms.begun
            && attempt < begun
        {
            let reason = format!("process {from} takes part in {attempt}, but process {to} has begun {begun} by now");
            return Place::Nowhere(Refusal::for_good(reason));
        }
        match &rooms.data {
            Some(room) if room.attempt == attempt => {
                if room.me != to {
                    let reason = format!(
                        "process {from} looks for process {to}, but this address is of process {}: check the addresses of the \
                         processes",
                        room.me
                    );
                    return Place::Nowhere(Refusal::for_now(reason));
                }
                match room.callers.get(&from) {
                    Some(caller) if !caller.is_closed() => Place::Data(caller.clone()),
                    Some(_) => Place::Nowhere(Refusal::for_good(format!(
                        "process {to} has given up {attempt} with process {from}: the job has to be restored"
                    ))),
                    // It may be about to join, of which this process has not heard.
                    None => Place::NotYet(Refusal::too_early(format!(
                        "process {to} expects no connection from process {from} in {attempt}, or not yet"
                    ))),
                }
            }
            None if rooms.begun == Some(attempt) => {
                Place::Nowhere(Refusal::for_good(format!("{attempt} is over in process {to}")))
            }
            _ => Place::NotYet(Refusal::too_early(format!("process {to} has not begun {attempt} yet"))),
        }
    }
    /// Waits until there is a place for a lane, but not long.
    async fn find(&self, lane: Lane) -> Place {
        let mut opened = self.opened.subscribe();
        let there = async {
            loop {
                match self.place(lane) {
                    Place::NotYet(_) => {}
                    place => return place,
                }
                if opened.changed().await.is_err() {
                    return self.place(lane);
                }
            }
        };
        match tokio::time::timeout(HELD, there).await {
            Ok(place) => place,
            Err(_) => self.place(lane),
        }
    }
    /// The handshake with who has connected.
    async fn greet(&self, stream: &mut Stream, holders: &Holders) -> Result<Place, GreetError> {
        let greeting = match hear(stream).await {
            Ok(greeting) => greeting,
            Err(GreetError::Identity(error)) => {
                refuse(stream, Refusal::for_now(error.to_string())).await;
                return Err(error.into());
            }
            Err(error) => return Err(error),
        };
        let Greeting::Hello(theirs, lane) = greeting else { return Err(IdentityError::OutOfTurn.into()) };
        if let Some(reason) = self.identity.mismatch(&theirs) {
            return Ok(Place::Nowhere(Refusal::for_now(reason)));
        }
        // Which process is at the other end of a control lane, it says later.
        if let Lane::Data { from, .. } = lane
            && let Err(reason) = holders.check(Holder::Process(from))
        {
            return Ok(Place::Nowhere(Refusal::for_now(reason)));
        }
        let place = self.find(lane).await;
        if let Place::Data(_) | Place::Control(_) = place {
            say(stream, &Greeting::Welcome(self.identity.clone())).await?;
            match hear(stream).await? {
                Greeting::Ready => {}
                Greeting::Refused(refusal) => return Ok(Place::Nowhere(refusal)),
                Greeting::Hello(..) | Greeting::Welcome(_) => return Err(IdentityError::OutOfTurn.into()),
            }
        }
        Ok(place)
    }
    async fn admit(self: Arc<Self>, tcp: TcpStream, address: SocketAddr) {
        let greeted = async {
            tcp.set_nodelay(true)?;
            let (mut stream, holders): (Stream, Holders) = match &self.tls {
                Some(tls) => {
                    let (stream, holders) = tls.accept(tcp).await?;
                    (Box::new(stream), holders)
                }
                None => (Box::new(tcp), Holders::default()),
            };
            let place = self.greet(&mut stream, &holders).await?;
            Ok::<_, GreetError>((stream, place, holders))
        };
        match tokio::time::timeout(PATIENCE, greeted).await {
            Err(_) => tracing::warn!("{address} has connected, but has not said who it is within {PATIENCE:?}"),
            Ok(Err(error)) => tracing::warn!("{address} has connected, but cannot be talked to: {error}"),
            Ok(Ok((stream, Place::Data(caller), _))) => {
                // Whoever is full has newer connections than it can look at.
                let _ = caller.try_send(stream);
            }
            Ok(Ok((stream, Place::Control(hub), holders))) => hub.open(stream, address, holders),
            Ok(Ok((mut stream, Place::NotYet(refusal) | Place::Nowhere(refusal), _))) => {
                tracing::debug!("{address} is refused: {}", refusal.reason);
                refuse(&mut stream, refusal).await;
            }
        }
    }
}

/// The port of a process.
pub struct Listener {
    address: SocketAddr,
    pub(super) door: Arc<Door>,
    pub(super) io: Arc<Io>,
    _task: Task,
}
impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.address)
    }
}
impl Listener {
    /// Where it can be connected to. If it was asked for port 0, with the port that it has got.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}
impl Io {
    /// Takes connections at an address (`host:port`; port 0 for any) until the listener is dropped.
    ///
    /// # Errors
    /// If the address is none, or is taken, or the name of the job is not fit to be sent.
    pub fn listen(self: &Arc<Self>, address: &str, identity: Identity, tls: Option<Tls>) -> Result<Listener> {
        let greeting = Greeting::Welcome(identity.clone()).encode();
        greeting.map_err(|error| Error::Config(format!("the job cannot have this name: {error}")))?;
        let cannot = |cause: std::io::Error| Error::Listen { address: address.to_owned(), cause };
        let listener = std::net::TcpListener::bind(address).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let local = listener.local_addr().map_err(cannot)?;
        let _here = self.handle().enter();
        let listener = TcpListener::from_std(listener).map_err(cannot)?;
        let door = Arc::new(Door { identity, tls, rooms: Mutex::default(), opened: watch::Sender::new(()) });
        let task = self.task(|stopped| accept(listener, door.clone(), stopped));
        Ok(Listener { address: local, door, io: self.clone(), _task: task })
    }
}
async fn accept(listener: TcpListener, door: Arc<Door>, mut stopped: oneshot::Receiver<()>) {
    let permits = Arc::new(Semaphore::new(GREETED));
    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        let (accepted, permit) = tokio::select! {
            biased;
            _ = &mut stopped => return,
            Some(next) = next => next,
            else => return,
        };
        match accepted {
            Ok((tcp, address)) => {
                let admitted = door.clone().admit(tcp, address);
                tokio::spawn(async move {
                    admitted.await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Too many open files, perhaps. Others may be closed soon.
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
