//! How a coordinator stands, for whoever asks.
use super::plan::Plan;
use super::{Coordinator, Phase, Running, listed};
use crate::exchange::layout::Layout;
use std::sync::Arc;

impl Coordinator {
    /// Its term; 0 before it has one.
    pub fn term(&self) -> u64 {
        self.origin.term
    }
    /// The number of the attempt that is under way, or of the last one; 0 if there was none.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }
    /// The layout that holds, or held last.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }
    /// How many workers there are to be.
    pub fn target(&self) -> usize {
        self.target
    }
    /// Whether it has nothing to do any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }
    /// Whether a change of the layout is being prepared or made.
    pub fn is_moving(&self) -> bool {
        matches!(&self.phase, Phase::Running(running) if running.plan.is_some())
    }
    /// Whether key groups can be [moved](super::Event::Move) now: all have begun, nothing moves yet, and the job is not about to end.
    ///
    /// ```
    /// use malstrom_core::coordinator::{Coordinator, Policy};
    /// let (coordinator, _) = Coordinator::new(Policy::default());
    /// assert!(!coordinator.can_move(), "nobody has begun");
    /// ```
    pub fn can_move(&self) -> bool {
        let can = |running: &Running| running.plan.is_none() && !running.snapshots.is_finishing();
        let goes_on = self.policy.moves && self.layout.left() == 0;
        goes_on && matches!(&self.phase, Phase::Running(running) if can(running))
    }
    /// The workers of the attempt: those of the layout, and those who are about to join or to leave.
    pub fn participants(&self) -> Vec<usize> {
        match &self.phase {
            Phase::Running(running) => {
                let plan = running.plan.as_ref();
                plan.map_or_else(|| self.layout.members().to_vec(), |plan| plan.participants(&self.layout))
            }
            _ => self.layout.members().to_vec(),
        }
    }
    /// The number of the interval that is under way.
    pub fn interval(&self) -> u64 {
        match &self.phase {
            Phase::Running(running) => running.snapshots.interval(),
            _ => self.origin.interval + 1,
        }
    }
    /// Whether a change is being made that cannot be dropped any more.
    pub fn is_handing_over(&self) -> bool {
        matches!(&self.phase, Phase::Running(running) if running.plan.as_ref().is_some_and(Plan::is_cut))
    }
    /// Whether those are waited for who are to begin, or to go on.
    pub fn is_gathering(&self) -> bool {
        matches!(self.phase, Phase::Gathering { .. })
    }
    /// Whether an attempt has begun, in which some have not.
    pub fn is_restoring(&self) -> bool {
        matches!(self.phase, Phase::Restoring(_))
    }
    /// Whether an attempt is under way in which all have begun.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }
    /// Whether the last snapshot is committed, and what it has is being published.
    pub fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. })
    }
    /// The name of the savepoint that is under way, if the snapshot that is under way is one.
    pub fn savepoint_under_way(&self) -> Option<&str> {
        match &self.phase {
            Phase::Running(running) => running.snapshots.savepoint_under_way(),
            _ => None,
        }
    }
    /// Whether this worker has joined, and may take part.
    pub fn knows(&self, worker: usize) -> bool {
        self.workers.contains_key(&worker)
    }
    /// What it waits for, for people.
    pub fn waits_for(&self) -> String {
        match &self.phase {
            Phase::Claiming => "for the commit log".to_owned(),
            Phase::Gathering { .. } => {
                format!("for {} workers, of which {} are there", self.target, self.workers.len())
            }
            Phase::Restoring(missing) => format!("for what {} have to take in", listed(missing)),
            Phase::Running(running) => running.snapshots.waits_for(),
            Phase::Ending { missing, .. } => format!("for what {} have to publish", listed(missing)),
            Phase::Resting(until) => format!("until another attempt begins at {until:?}"),
            Phase::Over => "for nothing: the job is over".to_owned(),
        }
    }
    /// How often in a row the job has failed by itself.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}
