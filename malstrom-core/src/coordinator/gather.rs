//! Who is there when a term begins, and whether what they are doing can go on.
use super::member::{Begun, Command, Standing};
use super::plan::Plan;
use super::snapshots::{Snapshots, Taken};
use super::{Action, Coordinator, Known, Phase, Purpose, Running};
use crate::contract::snapshot::Outcome;
use crate::exchange::layout::Layout;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// An attempt that is under way.
struct Found {
    attempt: u64,
    /// The layout that holds behind the last barrier that anybody was told of.
    layout: Arc<Layout>,
    /// Who takes part, also up to that barrier only.
    participants: Vec<usize>,
    /// The barriers that anybody was told of, from the last that all know to be committed on.
    begun: BTreeMap<u64, Begun>,
}

impl Coordinator {
    pub(super) fn joined(
        &mut self,
        now: Duration,
        worker: usize,
        standing: Option<Standing>,
        actions: &mut Vec<Action>,
    ) {
        match self.phase {
            Phase::Claiming | Phase::Over | Phase::Resting(_) => return,
            Phase::Gathering { .. } => {}
            Phase::Restoring(_) | Phase::Running(_) | Phase::Ending { .. } => {
                let attempt = standing.as_ref().map_or(0, |standing| standing.attempt);
                if attempt != self.attempt && self.workers.contains_key(&worker) {
                    // It has started anew, and with that all that it had is gone.
                    self.lost(worker, actions);
                    if matches!(self.phase, Phase::Claiming) {
                        return;
                    }
                }
            }
        }
        self.workers.insert(worker, Known { heard: now, standing });
    }
    /// Begins or goes on, if those are there whom it takes.
    pub(super) fn gather(&mut self, now: Duration, late: bool, actions: &mut Vec<Action>) {
        match self.found().filter(|_| !self.restore) {
            Some(found) => {
                let stands = |worker: &usize| {
                    let known = self.workers.get(worker)?;
                    Some(
                        known
                            .standing
                            .as_ref()
                            .is_some_and(|standing| standing.attempt == found.attempt && standing.going),
                    )
                };
                let stand: Vec<Option<bool>> = found.participants.iter().map(stands).collect();
                if stand.iter().all(|stands| *stands == Some(true)) {
                    self.resume(now, found, actions);
                    self.catch_up(now, actions);
                    return;
                }
                // One that is there and stands elsewhere has lost what it had. The others may still come.
                if !stand.contains(&Some(false)) && !late {
                    return;
                }
                self.restore = true;
            }
            None if self.standings().next().is_some() => {
                // The job runs, or has run a short time ago. Those may still come who go on with the attempt that has taken
                // the newest snapshot.
                let known = self.origin.layout.as_ref().map_or(&[][..], |layout| layout.members());
                if !known.iter().all(|worker| self.workers.contains_key(worker)) && !late {
                    return;
                }
            }
            None => {}
        }
        if self.workers.len() >= self.target || late && self.workers.len() >= self.policy.least.max(1) {
            self.begin(actions);
        }
    }
    /// Has an attempt begin with those who are there. Those who took part before come first.
    fn begin(&mut self, actions: &mut Vec<Action>) {
        let known = self.origin.layout.clone();
        let had = |worker: &usize| known.as_ref().is_some_and(|layout| layout.has(*worker));
        let mut members: Vec<usize> = self.workers.keys().copied().collect();
        members.sort_by_key(|worker| (!had(worker), *worker));
        members.truncate(self.target);
        members.sort_unstable();
        self.layout = match known {
            Some(layout) if layout.members() == members => layout,
            Some(layout) => Arc::new(layout.spread(&members)),
            None => Arc::new(Layout::even(&members, self.policy.groups, self.policy.splits)),
        };
        (self.attempt, self.restore) = (self.origin.term, false);
        self.reports.clear();
        self.unstored.clear();
        let (attempt, layout) = (self.attempt, self.layout.clone());
        actions.push(Action::Tell(Command::Begin { attempt, interval: self.origin.interval + 1, layout }));
        self.phase = Phase::Restoring(members.into_iter().collect());
    }

    fn standings(&self) -> impl Iterator<Item = (usize, &Standing)> {
        self.workers.iter().filter_map(|(worker, known)| Some((*worker, known.standing.as_ref()?)))
    }
    /// The newest attempt that any of those is in who are there, of those that know of the newest snapshot: it was taken in it, or
    /// is what it began with. Any other has been replaced, and nobody has told those who are in it.
    fn found(&self) -> Option<Found> {
        let knows = |standing: &Standing| {
            let of_newest = standing.attempt == self.origin.attempt || standing.origin == Some(self.origin.interval);
            // With other key groups than the job is to have it cannot go on.
            of_newest && standing.layout.groups() == self.policy.groups
        };
        let attempt = self.standings().map(|(_, standing)| standing).filter(|standing| knows(standing));
        let attempt = attempt.map(|standing| standing.attempt).max()?;
        let of_it = || self.standings().map(|(_, standing)| standing).filter(|standing| standing.attempt == attempt);
        let mut begun: BTreeMap<u64, Begun> = BTreeMap::new();
        for known in of_it().flat_map(|standing| &standing.begun) {
            let one = begun.entry(known.barrier.interval).or_insert_with(|| known.clone());
            one.outcome = one.outcome.or(known.outcome);
        }
        let last = begun.values().next_back().and_then(|begun| begun.change.clone());
        // Who was prepared for a change that no barrier carries yet knows of a layout that does not hold.
        let oldest = of_it().map(|standing| &standing.layout).min_by_key(|layout| layout.version())?.clone();
        let changed =
            begun.values().filter_map(|begun| begun.change.as_ref()).next_back().map(|change| change.new.clone());
        let layout = changed.unwrap_or(oldest);
        let participants = last.map_or_else(|| layout.members().to_vec(), |change| change.members());
        Some(Found { attempt, layout, participants, begun })
    }
    /// Goes on with an attempt in which all stand who take part in it.
    fn resume(&mut self, now: Duration, found: Found, actions: &mut Vec<Action>) {
        let Found { attempt, layout, participants, begun } = found;
        (self.attempt, self.layout) = (attempt, layout);
        let everybody: Vec<usize> = self.workers.keys().copied().collect();
        let newest = begun.keys().next_back().copied();
        let (mut open, mut plan) = (None, None);
        // What has been said to some is said to all; who has heard it ignores it.
        for (interval, begun) in &begun {
            let (barrier, change) = (begun.barrier, begun.change.clone());
            actions.push(Action::Tell(Command::Trigger { barrier, change: change.clone() }));
            let logged = self.origin.outcome.filter(|outcome| outcome.interval() == *interval);
            let outcome = begun.outcome.or(logged);
            match outcome {
                Some(outcome) => actions.push(Action::Tell(Command::Settle(outcome))),
                // The one before has given it up, or was about to: it has begun another.
                None if newest != Some(*interval) => {
                    actions.push(Action::Tell(Command::Settle(Outcome::Aborted { interval: *interval })));
                }
                None => {
                    let written = |worker: &usize| {
                        let standing = self.workers.get(worker).and_then(|known| known.standing.as_ref());
                        let mut begun = standing.into_iter().flat_map(|standing| &standing.begun);
                        begun.any(|begun| begun.barrier.interval == *interval && begun.written)
                    };
                    let writers = change.as_ref().map_or(self.layout.members(), |change| change.old.members());
                    let missing: BTreeSet<usize> = writers.iter().copied().filter(|worker| !written(worker)).collect();
                    open = Some((Taken { barrier, purpose: Purpose::Recovery, change: change.clone() }, missing));
                }
            }
            if outcome.is_some_and(Outcome::is_base) && barrier.last {
                // Who knows has published what it had.
                let knows = |worker: &usize| {
                    let standing = self.workers.get(worker).and_then(|known| known.standing.as_ref());
                    let mut begun = standing.into_iter().flat_map(|standing| &standing.begun);
                    begun.any(|begun| begun.barrier.interval == *interval && begun.outcome.is_some())
                };
                let missing: BTreeSet<usize> =
                    self.layout.members().iter().copied().filter(|worker| !knows(worker)).collect();
                self.phase = if missing.is_empty() { Phase::Over } else { Phase::Ending { last: *interval, missing } };
                if self.is_over() {
                    actions.push(Action::End);
                }
                return;
            }
            if let Some(change) = change.filter(|_| newest == Some(*interval)) {
                let installed = |worker: &usize| {
                    let standing = self.workers.get(worker).and_then(|known| known.standing.as_ref());
                    standing.is_some_and(|standing| standing.installed == *interval)
                };
                let missing = change.new.members().iter().copied().filter(|worker| !installed(worker)).collect();
                self.plans += 1;
                let at = (*interval, outcome.is_some());
                plan = Some(Plan::cut(self.plans, now, change, at, missing));
            }
        }
        let members = if let Some(plan) = &plan { plan.writers() } else { self.layout.members().to_vec() };
        let next = newest.unwrap_or(0).max(self.origin.interval) + 1;
        let base = self.origin.outcome.filter(|outcome| outcome.is_base()).map_or(0, |outcome| outcome.interval());
        let mut snapshots = Snapshots::new(self.policy, &members, (self.origin.term, base), now)
            .in_round(self.origin.round)
            .resumed(next, open, now);
        let version = self.layout.version();
        for (worker, standing) in self.standings() {
            if standing.finished == Some(version) {
                snapshots.finished(worker);
            }
        }
        if plan.is_some() {
            snapshots.hold();
        }
        // What was prepared, and did not come to its barrier, is planned anew.
        let spare = everybody.into_iter().filter(|worker| plan.is_none() || !participants.contains(worker)).collect();
        actions.insert(0, Action::TellThese { to: spare, command: Command::Unprepare });
        self.asked.drain(..).for_each(|name| snapshots.savepoint(name));
        snapshots.settle_written(actions);
        self.phase = Phase::Running(Box::new(Running { snapshots, plan, course: None }));
    }
}
