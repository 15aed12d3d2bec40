//! How far a change of the layout is.
use super::course::Course;
use super::plan::{Plan, Stage};
use super::{Coordinator, Phase};
use serde::Serialize;
use std::time::Duration;

/// A change of the layout that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moving {
    /// What it waits for.
    pub stage: MoveStage,
    /// Since when.
    pub since: Duration,
    /// How many workers there were before.
    pub before: usize,
    /// How many workers there are to be.
    pub workers: usize,
    /// How many key groups move; 0 as long as it is not known who takes part.
    pub groups: usize,
    /// How many of them have arrived, with all that they have.
    pub arrived: usize,
    /// How many splits move.
    pub splits: usize,
    /// About how many bytes these groups hold, as the newest snapshot and the steps so far say; 0 if nothing is known.
    pub bytes: u64,
    /// How many bytes have arrived.
    pub bytes_arrived: u64,
}
/// What a change of the layout waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MoveStage {
    /// For more workers.
    Joining,
    /// For a snapshot, and for those who gain something to read what it has of that.
    Preparing,
    /// For a moment at which no snapshot is under way.
    Cutting,
    /// For what moves to arrive, and for the snapshot of the barrier.
    HandingOver,
    /// For those who are not needed any more.
    Leaving,
}
impl Coordinator {
    /// The change of the layout that is being prepared or made, if one is.
    ///
    /// ```
    /// use malstrom_core::coordinator::{Coordinator, Event, MoveStage, Origin, Policy, Report};
    /// use std::time::Duration;
    /// let (mut coordinator, _) = Coordinator::new(Policy::default());
    /// let mut on = |event| coordinator.on(Duration::ZERO, event);
    /// on(Event::Claimed(Origin { term: 1, ..Origin::default() }));
    /// on(Event::Joined { worker: 0, standing: None });
    /// on(Event::Report { worker: 0, attempt: 1, report: Report::Ready });
    /// on(Event::Recorded { target: 2 });
    /// assert_eq!(coordinator.moving().map(|moving| moving.stage), Some(MoveStage::Joining));
    /// ```
    pub fn moving(&self) -> Option<Moving> {
        let Phase::Running(running) = &self.phase else { return None };
        let plan = running.plan.as_ref()?;
        let moving = plan.progress(self.target, running.course.as_ref());
        let (known, arrived) = match &running.course {
            Some(course) => (course.holds(), course.bytes().saturating_add(plan.arrived())),
            None => (self.held_by(&plan.change), 0),
        };
        Some(Moving { bytes: known.unwrap_or_default().max(arrived), bytes_arrived: arrived, ..moving })
    }
}
impl Plan {
    fn progress(&self, target: usize, course: Option<&Course>) -> Moving {
        let (mut before, after) = (self.change.old.members().len(), self.change.new.goal().len());
        let groups: usize = self.gains.values().sum();
        let awaited = |worker: &usize| self.gains.get(worker).copied().unwrap_or_default();
        let (stage, arrived) = match &self.stage {
            Stage::Joining(_) => (MoveStage::Joining, 0),
            Stage::Saving { .. } | Stage::Following { .. } | Stage::Between { .. } => (MoveStage::Preparing, 0),
            Stage::Cutting => (MoveStage::Cutting, 0),
            Stage::Handover { missing, .. } => {
                (MoveStage::HandingOver, groups - missing.iter().map(awaited).sum::<usize>())
            }
            Stage::Leaving(_) => (MoveStage::Leaving, groups),
        };
        let mut splits = self.change.splits().count();
        let (mut all, mut there) = (groups, arrived);
        if let Some(course) = course {
            (before, splits, all, there) = (course.before, course.splits, course.groups, course.arrived + arrived);
        }
        Moving {
            stage,
            since: self.since,
            before,
            workers: if stage == MoveStage::Joining { target } else { after },
            groups: all,
            arrived: there,
            splits,
            bytes: 0,
            bytes_arrived: 0,
        }
    }
}
