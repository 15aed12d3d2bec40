//! Where a process of a job runs, and what it is told there.
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// How often a coordinator shows that it is there, and after how long without that another one takes over, unless something else is
/// said.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
pub(super) const TAKEOVER: Duration = Duration::from_secs(10);
/// For how long sources are read without a coordinator, unless something else is said.
pub(super) const FENCE_AFTER: Duration = Duration::from_secs(60);

/// The part that a process plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Role {
    /// The whole job, in one process; or with `--processes`, one that starts the others on this machine.
    #[default]
    All,
    /// It coordinates the workers of other processes.
    Coordinator,
    /// It has workers.
    Worker,
}

/// What a deployment tells a process of a job that has several. Flags do ([`RuntimeArgs`](super::RuntimeArgs)); who runs jobs in some
/// other way implements this, and calls [`Runtime::run_in`](super::Runtime::run_in).
///
/// ```
/// use malstrom_core::{Environment, Role};
/// /// Two processes of two workers each, whose place among the others stands in a variable.
/// struct Numbered;
/// impl Environment for Numbered {
///     fn role(&self) -> Role {
///         if std::env::var_os("NUMBER").is_some() { Role::Worker } else { Role::Coordinator }
///     }
///     fn process(&self) -> Option<u32> {
///         std::env::var("NUMBER").ok()?.parse().ok()
///     }
///     fn processes(&self) -> usize {
///         2
///     }
///     fn coordinator(&self) -> Vec<String> {
///         vec!["coordinator:7070".into()]
///     }
/// }
/// assert_eq!(Numbered.min_processes(), 2);
/// ```
pub trait Environment: Send + Sync + 'static {
    /// The part that this process plays: the coordinator, or one with workers.
    fn role(&self) -> Role;
    /// The number of this process among those with workers, if whoever starts it has given it one. Who comes with the number of
    /// another process takes its place at once.
    fn process(&self) -> Option<u32> {
        None
    }
    /// How many processes with workers there are to be. Asked of the coordinator.
    fn processes(&self) -> usize;
    /// With how many of them the job goes on if others are gone for longer than ten seconds. Asked of the coordinator.
    fn min_processes(&self) -> usize {
        self.processes()
    }
    /// Whether a coordinator stands by: it takes over a job that goes on when the one that coordinates it is not there any more, and
    /// ends when the job does.
    fn is_standby(&self) -> bool {
        false
    }
    /// How often a coordinator shows those who stand by that it is there, by an object beside the snapshots; and how often they look.
    fn heartbeat(&self) -> Duration {
        HEARTBEAT
    }
    /// For how long a coordinator shows nothing until one that stands by takes over.
    fn takeover(&self) -> Duration {
        TAKEOVER
    }
    /// For how long a process with workers reads its sources without a coordinator. After that it keeps what it has, and goes on when
    /// there is one again.
    fn fence_after(&self) -> Duration {
        FENCE_AFTER
    }
    /// Where this process listens: `HOST:PORT`, with port 0 for any that is free.
    fn listen(&self) -> String {
        "127.0.0.1:0".into()
    }
    /// Where others reach this process, which listens at `local`.
    fn reached_at(&self, local: SocketAddr) -> String {
        local.to_string()
    }
    /// Where the coordinator may be: `HOST:PORT` of one or several. Asked again before each attempt to connect.
    fn coordinator(&self) -> Vec<String>;
    /// Somebody wants so many processes with workers, other than there were to be: whoever starts them starts those that are missing.
    /// Those that are too many end by themselves, with exit code 0. Told to the coordinator; one that takes over may be told again.
    fn scale(&self, processes: usize) {
        let _ = processes;
    }
    /// Is given, once, what is to be called when the process is to go. Signals are heeded anyway.
    fn on_stop(&self, stop: Box<dyn Fn() + Send + Sync>) {
        drop(stop);
    }
}

/// What flags say.
pub(crate) struct Flags {
    pub(crate) role: Role,
    pub(crate) process: Option<u32>,
    pub(crate) processes: usize,
    pub(crate) min_processes: usize,
    pub(crate) standby: bool,
    pub(crate) heartbeat: Duration,
    pub(crate) takeover: Duration,
    pub(crate) fence_after: Duration,
    pub(crate) listen: String,
    pub(crate) advertise: Option<String>,
    pub(crate) join: Vec<String>,
}
impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:?})", self.role)
    }
}
impl Environment for Flags {
    fn role(&self) -> Role {
        self.role
    }
    fn process(&self) -> Option<u32> {
        self.process
    }
    fn processes(&self) -> usize {
        self.processes
    }
    fn min_processes(&self) -> usize {
        self.min_processes
    }
    fn is_standby(&self) -> bool {
        self.standby
    }
    fn heartbeat(&self) -> Duration {
        self.heartbeat
    }
    fn takeover(&self) -> Duration {
        self.takeover
    }
    fn fence_after(&self) -> Duration {
        self.fence_after
    }
    fn listen(&self) -> String {
        self.listen.clone()
    }
    fn reached_at(&self, local: SocketAddr) -> String {
        self.advertise.clone().unwrap_or_else(|| local.to_string())
    }
    fn coordinator(&self) -> Vec<String> {
        self.join.clone()
    }
    fn scale(&self, processes: usize) {
        super::cluster::scale(processes);
    }
}
