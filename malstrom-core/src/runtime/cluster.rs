//! A job in several processes: one with the coordinator, and any number with workers.
//!
//! The [coordinator](leader) is the one of a single process, around which there are connections; it has no workers. A [crew](crew) is the
//! workers of one process. They exchange records with those of the others over [sessions](crate::net::data), and go on without a
//! coordinator if it dies: the next one claims the next term, hears how they stand, and takes over. It may be one that was started anew, or
//! one that has [stood by](standby) until it saw no [heartbeat](pulse) any more. Whoever else dies, the attempt is restored from the last
//! snapshot, by those who are there.
mod candidate;
mod crew;
mod lead;
mod leader;
pub(super) mod local;
mod processes;
mod pulse;
mod roster;
mod standby;
#[cfg(test)]
mod tests;
mod words;

use super::attempt::Plan;
use super::clock::{self, Clock};
use super::environment::Environment;
use super::http::{PlanView, Server};
use super::keeping::{self, Kept, Restore};
use super::report::Figures;
use super::signals::Stop;
use crate::contract::record::Record;
use crate::error::{Error, Result};
use crate::graph::Pipeline;
use crate::net::control::{LinkSettings, SILENCE};
use crate::net::{Identity, Io, Listener, Tls, is_loopback};
use crate::snapshot::Location;
pub(crate) use crew::Gone;
use crew::{Crew, Kit, Threads};
pub(crate) use lead::{Lead, Outcome, State as LeadState};
use ring::digest::{SHA256, digest};
pub(crate) use roster::{Roster, State as RosterState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use words::Hello;
use xxhash_rust::xxh3::xxh3_64;

pub(super) use local::scale;

/// For so long more processes are waited for, before a job goes on with fewer if it may.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the processes of a job speak to each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) tls: Option<Tls>,
    /// Plain text may leave the machine.
    pub(crate) insecure: bool,
}
impl Security {
    fn check(&self, address: &str) -> Result<()> {
        if self.tls.is_some() || self.insecure || is_loopback(address) {
            return Ok(());
        }
        Err(Error::Config(format!(
            "what goes to or from `{address}` can be read and changed by others on its way: give `--tls-cert`, `--tls-key` and `--tls-ca`, \
             or say `--insecure` if the network is yours alone"
        )))
    }
}
/// A job of several processes, as one of them sees it.
pub(crate) struct Cluster {
    pub(crate) plan: Plan,
    pub(crate) location: Location,
    pub(crate) restore: Restore,
    pub(crate) drop_state: Vec<String>,
    pub(crate) keeping: keeping::Settings,
    pub(crate) security: Security,
    pub(crate) environment: Arc<dyn Environment>,
}

/// Tells a program from others. It is the first part of a digest that is quick in debug builds too, where hashers written in Rust take a
/// second for what a program has.
fn build(program: &[u8]) -> u64 {
    let digest = digest(&SHA256, program);
    digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
fn identity(pipeline: &Pipeline) -> Result<Identity> {
    let cannot = |cause: std::io::Error| Error::Runtime { doing: "read the program itself", cause: cause.into() };
    let program = std::env::current_exe().and_then(std::fs::read).map_err(cannot)?;
    let plan = pipeline.plan();
    let edges = plan.edges.iter().map(|edge| format!("{} {} {}", edge.from, edge.to, edge.record));
    let stages = format!("{plan}{}", edges.collect::<Vec<_>>().join("\n"));
    let mut probe = Vec::new();
    (1u8, 2u64, "probe".to_owned(), vec![Some(3u16), None]).encode(&mut probe).map_err(Error::custom)?;
    Ok(Identity {
        job: pipeline.name().to_owned(),
        build: build(&program),
        pipeline: xxh3_64(stages.as_bytes()),
        probe: xxh3_64(&probe),
    })
}
fn network(clock: Clock, listen: &str, identity: &Identity, security: &Security) -> Result<(Arc<Io>, Listener)> {
    security.check(listen)?;
    let io = Io::start(Arc::new(move || clock.now()))?;
    let listener = io.listen(listen, identity.clone(), security.tls.clone())?;
    Ok((io, listener))
}

impl Cluster {
    /// Starts the coordinator of the job. It listens when this returns, unless it stands by.
    pub(crate) fn coordinate(self) -> Result<Arc<Lead>> {
        candidate::start(self)
    }
    /// Works for the coordinator of the job, until it has no use for this process any more. `serve` answers meanwhile who asks how its
    /// workers stand.
    pub(crate) fn work(self, serve: impl FnOnce(Arc<Roster>) -> Result<Option<Server>>) -> Result<Gone> {
        let Kept { pipeline, operators } = Kept::of(&self.plan, self.drop_state)?;
        let environment = self.environment;
        let coordinator = environment.coordinator();
        coordinator.iter().try_for_each(|address| self.security.check(address))?;
        let identity = identity(&pipeline)?;
        let known = (Figures::new(&pipeline), PlanView::new(pipeline.plan(), true));
        drop(pipeline);
        let roster = Arc::new(Roster::new(self.plan.clock, known, self.plan.workers, coordinator));
        let (io, listener) = network(self.plan.clock, &environment.listen(), &identity, &self.security)?;
        let address = environment.reached_at(listener.local_addr());
        if address.starts_with("0.0.0.0:") || address.starts_with("[::]:") {
            return Err(Error::Config(format!(
                "others cannot reach a process at `{address}`: say where they can by `--advertise HOST:PORT`"
            )));
        }
        let server = serve(roster.clone())?;
        let (inputs, received): (Sender<crew::Input>, Receiver<crew::Input>) = channel();
        let leaving =
            Arc::new(Leaving { begun: AtomicBool::new(false), inputs: std::sync::Mutex::new(inputs.clone()) });
        let (process, fence_after) = (environment.process(), environment.fence_after());
        environment.on_stop({
            let leaving = leaving.clone();
            Box::new(move || leaving.stop())
        });
        let stop: Arc<dyn Stop> = leaving;
        super::signals::stop_on_signal(Arc::downgrade(&stop))?;
        let settings = LinkSettings {
            addresses: Arc::new(move || environment.coordinator()),
            identity,
            tls: self.security.tls,
            silence: SILENCE,
            seed: clock::random(),
        };
        let events = inputs.clone();
        let link = crate::net::control::Link::start(
            &io,
            settings,
            Box::new(move |event| drop(events.send(crew::Input::Link(event)))),
        );
        let Cluster { plan, location, .. } = self;
        let (clock, nonce, since, workers) = (plan.clock, clock::nonce(), plan.started, plan.workers);
        let hello = Hello { nonce, since, process, address, workers, location: location.to_string() };
        let kit = Kit { plan, operators, location, listener, inputs, roster: roster.clone() };
        let outside = Threads::new(kit, link);
        let done = outside
            .and_then(|outside| Crew::new(hello, fence_after, roster.clone(), Box::new(outside)).run(clock, &received));
        roster.note(|state| state.over = true);
        if let Some(server) = server {
            server.stop();
        }
        drop(stop);
        done
    }
}
/// Has a process leave.
struct Leaving {
    begun: AtomicBool,
    inputs: std::sync::Mutex<Sender<crew::Input>>,
}
impl Stop for Leaving {
    fn stop(&self) {
        if !self.begun.swap(true, Ordering::SeqCst) {
            drop(super::attempt::lock(&self.inputs).send(crew::Input::Leave));
        }
    }
    fn is_stopping(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }
}
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(drop).map_err(|cause| Error::Runtime { doing: "start the coordinator thread", cause: cause.into() })
}
