//! A process that is to coordinate the job: at once, or when another one has fallen silent.
use super::lead::Lead;
use super::leader::{Input, Leader, Network, Wanted};
use super::pulse::Pulse;
use super::standby::{StoodBy, stand_by};
use super::{Cluster, PATIENCE, Security, identity, network, spawn};
use crate::contract::key::KeyGroups;
use crate::coordinator::{Action, Policy};
use crate::error::{Error, Result};
use crate::net::control::SILENCE;
use crate::net::{Identity, Io, Listener};
use crate::runtime::attempt::Plan;
use crate::runtime::environment::Environment;
use crate::runtime::http::PlanView;
use crate::runtime::keeping::{self, Kept, Operators, Restore};
use crate::runtime::report::Figures;
use crate::runtime::{LAST_TRIES, PAUSES};
use crate::snapshot::Location;
use crate::worker::panic_message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// See the [module](self).
pub(super) struct Candidate {
    operators: Operators,
    identity: Identity,
    plan: Plan,
    location: Location,
    restore: Restore,
    keeping: keeping::Settings,
    security: Security,
    listen: String,
    heartbeat: Duration,
    environment: Arc<dyn Environment>,
    wanted: Wanted,
    lead: Arc<Lead>,
    inputs: Sender<Input>,
}
/// One that coordinates.
struct Elected {
    leader: Leader,
    first: Vec<Action>,
    /// Ended when the leader has: what was said last is to arrive.
    network: (Listener, Arc<Io>),
}

/// Starts the coordinator of a job. It listens when this returns, unless it stands by.
pub(super) fn start(cluster: Cluster) -> Result<Arc<Lead>> {
    let Cluster { plan, location, restore, drop_state, keeping, security, environment } = cluster;
    let Kept { pipeline, operators } = Kept::of(&plan, drop_state)?;
    let wanted = Wanted { processes: environment.processes(), least: environment.min_processes() };
    let standby = environment.is_standby().then(|| environment.takeover());
    let (inputs, received) = channel();
    let known = (Figures::new(&pipeline), PlanView::new(pipeline.plan(), true));
    let place = (location.to_string(), wanted.processes);
    let lead = Arc::new(Lead::new(plan.clock, place, known, standby.is_some(), inputs.clone()));
    let candidate = Candidate {
        operators,
        identity: identity(&pipeline)?,
        plan,
        location,
        restore,
        keeping,
        security,
        listen: environment.listen(),
        heartbeat: environment.heartbeat(),
        environment,
        wanted,
        lead: lead.clone(),
        inputs,
    };
    match standby {
        None => {
            let elected = candidate.run_for(None)?;
            on_a_thread(&lead, move |_| elected.lead(&received))?;
        }
        Some(takeover) => {
            // What is wrong with the address is said at once. Nobody is to connect until this one coordinates.
            drop(candidate.network()?);
            tracing::info!(?takeover, "coordinator stands by");
            on_a_thread(&lead, move |lead| candidate.stand_by(lead, takeover, &received))?;
        }
    }
    Ok(lead)
}
/// How a job of several processes is kept.
pub(super) fn policy(keeping: &keeping::Settings, key_groups: KeyGroups) -> Policy {
    Policy {
        groups: key_groups.count(),
        // How many workers there are, they say.
        workers: usize::from(u16::MAX),
        least: usize::from(u16::MAX),
        every: keeping.every,
        timeout: keeping.timeout,
        tries: LAST_TRIES,
        restarts: keeping.restarts,
        pause: PAUSES,
        patience: PATIENCE,
        moves: true,
        // Connections say who is there.
        silence: Duration::MAX,
        ..Policy::default()
    }
}
fn on_a_thread(lead: &Arc<Lead>, run: impl FnOnce(&Lead) -> Result<()> + Send + 'static) -> Result<()> {
    let lead = lead.clone();
    spawn("malstrom-coordinator", move || {
        // Whatever happens, it must be seen to end: the process waits for that, and whoever looks after it starts another.
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&lead))).unwrap_or_else(|payload| {
            Err(Error::Panic { operator: "the coordinator".into(), message: panic_message(&*payload) })
        });
        lead.end(outcome.err());
    })
}
impl Candidate {
    fn network(&self) -> Result<(Arc<Io>, Listener)> {
        network(self.plan.clock, &self.listen, &self.identity, &self.security)
    }
    fn stand_by(self, lead: &Lead, takeover: Duration, inputs: &Receiver<Input>) -> Result<()> {
        let times = (self.heartbeat, takeover);
        match stand_by(lead, &self.location, times, inputs, |head| self.run_for(Some(head)))? {
            StoodBy::TookOver(elected) => {
                lead.note(|state| state.standby = false);
                elected.lead(inputs)
            }
            StoodBy::Relieved(why) => {
                lead.note(|state| state.relieved = Some(why));
                Ok(())
            }
        }
    }
    /// Listens, and claims the log: whatever it has, or only if this is its newest entry.
    fn run_for(&self, behind: Option<u64>) -> Result<Elected> {
        let Candidate { operators, identity, location, keeping, lead, inputs, wanted, .. } = self;
        // What is there already is not claimed by somebody who cannot listen.
        let (io, listener) = self.network()?;
        let overtaken = inputs.clone();
        let pulse = Pulse::start(location, self.heartbeat, move || drop(overtaken.send(Input::Overtaken)))?;
        // Who takes over a job does not begin it anew.
        let restore = if behind.is_some() { Restore::Latest } else { self.restore.clone() };
        let mut plan = self.plan.clone();
        let job = (identity.job.as_str(), operators);
        let (vault, found) = keeping::claim(job, &mut plan, location.clone(), &restore, keeping.key_groups, behind)?;
        let sender = inputs.clone();
        let events = Box::new(move |event| drop(sender.send(Input::Control(event))));
        let address = listener.local_addr();
        let control = listener.control(SILENCE, events);
        let kept = (vault, found, restore);
        let outside =
            Box::new(Network { clock: self.plan.clock, control, pulse, environment: self.environment.clone() });
        let kind = (policy(keeping, plan.key_groups), *wanted, keeping.rebalance);
        let (leader, first) = Leader::new(lead.clone(), kept, kind, outside);
        tracing::info!(%address, processes = wanted.processes, "coordinator is there");
        Ok(Elected { leader, first, network: (listener, io) })
    }
}
impl Elected {
    fn lead(self, inputs: &Receiver<Input>) -> Result<()> {
        let outcome = self.leader.run(self.first, inputs);
        drop(self.network);
        outcome
    }
}
