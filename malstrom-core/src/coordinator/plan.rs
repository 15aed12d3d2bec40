//! A change of the layout, from the wish to the last worker that leaves; or a step of one.
//!
//! Joining: there are enough workers. Saving: where it is made in steps, a snapshot is taken first, which nobody waits for: those of the
//! barriers have little to write then, and it is known how much moves. Following: those who gain read what they are going to gain from
//! the newest snapshot, again after each snapshot, until little has changed meanwhile: the barrier that follows is one for which records
//! wait. Cutting: a barrier carries the change as soon as no other snapshot is under way. Handover: all that moved has arrived, and the
//! snapshot of that barrier is committed. Leaving: whoever is not needed any more has published what was committed. Up to the cut the
//! plan can be dropped, and nothing has happened.
use super::course::Course;
use super::member::Command;
use super::{Action, Coordinator, Phase, Report};
use crate::exchange::layout::{Change, Layout};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// So often what is going to move is read, at most, before it is cut off.
const ROUNDS: u32 = 5;

#[derive(Debug)]
pub(super) enum Stage {
    /// More workers are waited for, since then.
    Joining(Duration),
    /// A snapshot behind that of `base` is waited for. Nobody has been told anything yet.
    Saving { base: u64 },
    /// These have not read what the snapshot of `base` has.
    Following { missing: BTreeSet<usize>, base: u64, bytes: u64, rounds: u32 },
    /// Another snapshot is waited for, since much has changed.
    Between { base: u64, rounds: u32 },
    /// A moment is waited for at which no snapshot is under way.
    Cutting,
    /// These have not got all that they gain at the barrier of `interval`.
    Handover { interval: u64, missing: BTreeSet<usize>, committed: bool },
    /// These have not left.
    Leaving(BTreeSet<usize>),
}
/// A change of the layout. See the [module](self).
#[derive(Debug)]
pub(super) struct Plan {
    number: u64,
    /// When it was begun.
    pub(super) since: Duration,
    /// What changes; nothing is known of it yet while workers are waited for.
    pub(super) change: Arc<Change>,
    /// How many key groups each of those who gain gets.
    pub(super) gains: BTreeMap<usize, usize>,
    /// Of which snapshot each of those who gain has its part.
    bases: BTreeMap<usize, u64>,
    pub(super) stage: Stage,
    /// How many bytes have arrived.
    arrived: u64,
    /// It is not cut before, if that is yet to come.
    rests: Option<Duration>,
    /// Since when records wait for it at the longest, and until when they did.
    waits: (Duration, Option<Duration>),
}
impl Plan {
    fn new(number: u64, since: Duration, change: Arc<Change>, stage: Stage) -> Self {
        let mut gains = BTreeMap::new();
        change.groups().for_each(|moved| *gains.entry(moved.to).or_default() += 1);
        let (bases, rests, waits) = (BTreeMap::new(), None, (since, None));
        Plan { number, since, change, gains, bases, stage, arrived: 0, rests, waits }
    }
    /// A plan whose barrier is under way already.
    pub(super) fn cut(
        number: u64,
        since: Duration,
        change: Arc<Change>,
        (interval, committed): (u64, bool),
        missing: BTreeSet<usize>,
    ) -> Self {
        Plan::new(number, since, change, Stage::Handover { interval, missing, committed })
    }
    pub(super) fn due(&self, patience: Duration) -> Option<Duration> {
        match &self.stage {
            Stage::Joining(since) => Some(since.saturating_add(patience)),
            Stage::Cutting => self.rests,
            _ => None,
        }
    }
    /// Whether its barrier is under way, so that it cannot be dropped any more.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.stage, Stage::Handover { .. } | Stage::Leaving(_))
    }
    pub(super) fn participants(&self, layout: &Layout) -> Vec<usize> {
        match &self.stage {
            Stage::Handover { .. } => self.change.members(),
            Stage::Leaving(leaving) => layout.members().iter().copied().chain(leaving.iter().copied()).collect(),
            _ => layout.members().to_vec(),
        }
    }
    /// Who writes the snapshot that is under way.
    pub(super) fn writers(&self) -> Vec<usize> {
        match &self.stage {
            Stage::Leaving(_) => self.change.new.members().to_vec(),
            _ => self.change.old.members().to_vec(),
        }
    }
    /// Whether it cannot do without this worker, and cannot be dropped.
    pub(super) fn needs(&self, worker: usize) -> bool {
        match &self.stage {
            Stage::Handover { .. } => self.change.members().contains(&worker),
            Stage::Leaving(leaving) => leaving.contains(&worker),
            _ => false,
        }
    }
    /// Whether this worker prepares for it.
    pub(super) fn has(&self, worker: usize) -> bool {
        !matches!(self.stage, Stage::Joining(_)) && self.change.new.has(worker)
    }
    /// Those who gain something, or join.
    fn gainers(&self) -> BTreeSet<usize> {
        let moved = self.change.groups().chain(self.change.splits()).map(|moved| moved.to);
        moved.chain(self.change.joiners()).collect()
    }
    pub(super) fn report(&mut self, worker: usize, report: &Report) {
        match (&mut self.stage, report) {
            (Stage::Following { missing, base, bytes, .. }, Report::Followed { plan, base: read, bytes: more })
                if *plan == self.number && read == base =>
            {
                missing.remove(&worker);
                *bytes = bytes.saturating_add(*more);
                if *read > 0 {
                    self.bases.insert(worker, *read);
                }
            }
            (Stage::Handover { interval, missing, .. }, Report::Installed { interval: at, bytes })
                if at == interval =>
            {
                let more = if missing.remove(&worker) { *bytes } else { 0 };
                self.arrived = self.arrived.saturating_add(more);
            }
            (Stage::Leaving(leaving), Report::Left) => {
                leaving.remove(&worker);
            }
            _ => {}
        }
    }
    /// Whether what waited for the step before this has been caught up with.
    fn has_rested(&mut self, now: Duration) -> bool {
        self.rests = self.rests.filter(|until| now < *until);
        self.rests.is_none()
    }
    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }
    pub(super) fn committed(&mut self, interval: u64) {
        if let Stage::Handover { interval: cut, committed, .. } = &mut self.stage {
            *committed |= *cut == interval;
        }
    }
}

impl Coordinator {
    /// Drops a plan that has not come to its barrier.
    pub(super) fn unplan(&mut self, actions: &mut Vec<Action>) {
        let Phase::Running(running) = &mut self.phase else { return };
        let Some(plan) = running.plan.take_if(|plan| !plan.is_cut()) else { return };
        running.course = None;
        if !matches!(plan.stage, Stage::Joining(_) | Stage::Saving { .. }) {
            let gainers = plan.gainers();
            let to = gainers.into_iter().filter(|worker| self.workers.contains_key(worker)).collect();
            actions.push(Action::TellThese { to, command: Command::Unprepare });
        }
        actions.push(Action::NotMoved);
    }
    /// Somebody wants some groups and splits elsewhere.
    pub(super) fn move_shares(
        &mut self,
        now: Duration,
        groups: &[(usize, usize)],
        splits: &[(usize, usize)],
        actions: &mut Vec<Action>,
    ) {
        if self.can_move() {
            let end = self.layout.moved(groups, splits);
            self.set_out(now, now, end, actions);
        } else {
            actions.push(Action::NotMoved);
        }
    }
    /// Begins to change the layout into another one, which has been wanted since then.
    fn set_out(&mut self, now: Duration, since: Duration, end: Layout, actions: &mut Vec<Action>) {
        let Phase::Running(running) = &mut self.phase else { return };
        let change = Change::between(self.layout.clone(), end);
        if self.policy.wave == u64::MAX || !self.policy.stores || running.snapshots.is_fresh(now) {
            return self.depart(since, &change, actions);
        }
        let base = running.snapshots.base();
        running.plan = Some(Plan::new(self.plans, since, Arc::new(change), Stage::Saving { base }));
        running.snapshots.hasten(now);
    }
    /// Begins the first step of a change.
    fn depart(&mut self, since: Duration, change: &Change, actions: &mut Vec<Action>) {
        let course = self.course(since, change);
        let next = self.layout.toward(&change.new, course.most());
        self.prepare(since, next, course, actions);
    }
    /// Begins the next step to where the layout leads.
    fn step(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Phase::Running(running) = &mut self.phase else { return };
        let course = running.course.take().unwrap_or_else(|| {
            // Another coordinator has begun it.
            self.course(now, &Change::between(self.layout.clone(), self.layout.onward(usize::MAX)))
        });
        let next = self.layout.onward(course.most());
        self.prepare(course.since, next, course, actions);
    }
    /// In which steps a change is made.
    fn course(&self, since: Duration, change: &Change) -> Course {
        let (groups, held) = (change.groups().count(), self.held_by(change));
        let before = (change.old.members().len(), change.splits().count());
        Course::new(since, before, (groups, held), wave(self.policy.wave, change))
    }
    /// About how many bytes the groups hold that move, if that is known.
    pub(super) fn held_by(&self, change: &Change) -> Option<u64> {
        let (groups, all) = (change.groups().count() as u128, change.old.groups().max(1) as u128);
        self.held.map(|held| (u128::from(held) * groups / all) as u64)
    }
    /// Begins to prepare for the next layout, which has been wanted since then.
    fn prepare(&mut self, since: Duration, next: Layout, course: Course, actions: &mut Vec<Action>) {
        let Phase::Running(running) = &mut self.phase else { return };
        self.plans += 1;
        let change = Arc::new(Change::between(self.layout.clone(), next));
        let mut plan = Plan::new(self.plans, since, change, Stage::Joining(since));
        plan.rests = Some(course.rests());
        plan.follow(self.attempt, running.snapshots.base(), 0, actions);
        (running.plan, running.course) = (Some(plan), Some(course));
    }
    /// Takes the plan as far as it goes.
    pub(super) fn plan(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Phase::Running(running) = &mut self.phase else { return };
        if self.policy.moves && running.plan.is_none() && !running.snapshots.is_finishing() {
            if self.layout.left() > 0 {
                self.step(now, actions);
            } else if self.wanted().is_none_or(|wanted| wanted != self.layout.members()) {
                self.enlist(now, now, actions);
            }
        }
        let Phase::Running(running) = &mut self.phase else { return };
        let Some(plan) = &mut running.plan else { return };
        if matches!(&plan.stage, Stage::Handover { missing, .. } if missing.is_empty()) {
            plan.waits.1.get_or_insert(now);
        }
        match &mut plan.stage {
            Stage::Joining(since) => {
                let since = *since;
                running.plan = None;
                self.enlist(now, since, actions);
            }
            Stage::Following { missing, base, bytes, rounds } if missing.is_empty() => {
                // Without a snapshot there is nothing to read in advance.
                let small = *base == 0 || *bytes <= self.policy.budget;
                if small || *rounds >= ROUNDS {
                    plan.stage = Stage::Cutting;
                    self.plan(now, actions);
                } else {
                    plan.stage = Stage::Between { base: *base, rounds: *rounds };
                    running.snapshots.hasten(now);
                }
            }
            // The snapshot that it waits for may be the last one.
            Stage::Saving { .. } | Stage::Between { .. } if running.snapshots.is_finishing() => self.unplan(actions),
            Stage::Saving { base } if running.snapshots.base() > *base => {
                let (since, change) = (plan.since, plan.change.clone());
                self.depart(since, &change, actions);
            }
            Stage::Between { base, rounds } if running.snapshots.base() > *base => {
                let rounds = *rounds;
                plan.follow(self.attempt, running.snapshots.base(), rounds, actions);
            }
            Stage::Cutting => {
                if running.snapshots.is_finishing() {
                    return self.unplan(actions);
                }
                if !plan.has_rested(now) {
                    return;
                }
                let change = Arc::new(Change { bases: plan.bases.clone(), ..Change::clone(&plan.change) });
                if let Some(interval) = running.snapshots.cut(now, &change, actions) {
                    let missing = change.new.members().iter().copied().collect();
                    self.layout = change.new.clone();
                    plan.change = change;
                    plan.waits = (now, None);
                    plan.stage = Stage::Handover { interval, missing, committed: false };
                }
            }
            Stage::Handover { missing, committed: true, .. } if missing.is_empty() => {
                let leaving: BTreeSet<usize> = plan.change.leavers().collect();
                if !leaving.is_empty() {
                    let to = leaving.iter().copied().collect();
                    actions.push(Action::TellThese { to, command: Command::Release });
                }
                plan.stage = Stage::Leaving(leaving);
                self.plan(now, actions);
            }
            Stage::Leaving(leaving) if leaving.is_empty() => {
                // Not before: whoever restores a later snapshot does not publish what those who leave had staged for this one.
                running.snapshots.release(plan.change.new.members());
                if let Some(course) = &mut running.course {
                    course.stepped(plan.change.groups().count(), plan.arrived);
                    course.waited(plan.waits.0, plan.waits.1.unwrap_or(now));
                }
                running.plan = None;
                let (done, goes_on) = (self.layout.left() == 0, self.policy.moves && !running.snapshots.is_finishing());
                if !done && goes_on {
                    return self.plan(now, actions);
                }
                running.course = None;
                // Behind the next barrier nobody need ask whether those who have left had published all.
                running.snapshots.hasten(now);
                actions.push(Action::Moved { layout: self.layout.clone() });
                if !done {
                    actions.push(Action::NotMoved);
                }
            }
            _ => {}
        }
    }
    /// Who is to take part, if there are as many as there are to be: those who do come first.
    fn wanted(&self) -> Option<Vec<usize>> {
        let others = self.workers.keys().copied().filter(|worker| !self.layout.has(*worker));
        let members = self.layout.members().iter().copied().chain(others);
        let mut wanted: Vec<usize> =
            members.filter(|worker| !self.unwanted.contains(worker)).take(self.target).collect();
        wanted.sort_unstable();
        (wanted.len() >= self.target).then_some(wanted)
    }
    /// Begins to prepare for another number of workers, if there are enough of them. If not, they are waited for, but not for ever.
    fn enlist(&mut self, now: Duration, since: Duration, actions: &mut Vec<Action>) {
        if let Some(members) = self.wanted() {
            if members == self.layout.members() {
                return;
            }
            return self.set_out(now, since, self.layout.spread_by_load(&members, &self.loads), actions);
        }
        if now >= since.saturating_add(self.policy.patience) {
            self.target = self.layout.members().len();
            actions.push(Action::NotMoved);
            return;
        }
        let Phase::Running(running) = &mut self.phase else { return };
        let change = Arc::new(Change::between(self.layout.clone(), self.layout.clone()));
        running.plan = Some(Plan::new(self.plans, since, change, Stage::Joining(since)));
    }
}
impl Plan {
    /// Has those who gain read what the snapshot of `base` has.
    fn follow(&mut self, attempt: u64, base: u64, rounds: u32, actions: &mut Vec<Action>) {
        let missing = self.gainers();
        let (plan, change) = (self.number, self.change.clone());
        let to = missing.iter().copied().collect();
        actions.push(Action::TellThese { to, command: Command::Prepare { plan, attempt, change, base } });
        self.stage = Stage::Following { missing, base, bytes: 0, rounds: rounds + 1 };
    }
}
/// About how many bytes a step of this change may move: those who give do so side by side, and those who get do too.
fn wave(each: u64, change: &Change) -> u64 {
    let (givers, gainers): (BTreeSet<_>, BTreeSet<_>) = change.groups().map(|moved| (moved.from, moved.to)).unzip();
    each.saturating_mul(givers.len().min(gainers.len()).max(1) as u64)
}
