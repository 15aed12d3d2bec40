//! What a worker does in an attempt. The rules by which it takes part in barriers and moves are those of [`Gate`] and [`Handover`].
mod stages;

use super::check::{Check, Wrong};
use super::job::{Body, Frame, Group, Groups, Input, Message, Moved, Out, Part, Rec, Restored};
use super::{Breach, Random};
use crate::contract::snapshot::Barrier;
use crate::exchange::gate::Gate;
use crate::exchange::handover::Handover;
use crate::exchange::layout::{Change, Layout};
use crate::stream::merge::Merge;
use crate::stream::signal::Mark;
use stages::wrong;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// So many records of groups that are awaited are taken in, before their exchange takes no more.
pub(super) const WAITING: usize = 24;

/// A record that waits.
type Held = Rec;
/// The receiving side of an exchange, and what is behind it.
#[derive(Debug)]
struct Stage {
    /// `None` until the first barrier has come, for who joins.
    gate: Option<Gate>,
    handover: Handover<Held, (Group, Option<u64>)>,
    merge: Merge,
    /// What time the inputs have come to, and what is shown of it behind.
    latest: Option<Mark>,
    shown: Option<Mark>,
    inbox: BTreeMap<usize, VecDeque<Frame>>,
    /// Who has brought the barrier that is awaited.
    brought: BTreeSet<usize>,
    groups: Groups,
}
impl Stage {
    fn interval(&self) -> u64 {
        self.gate.as_ref().map_or(0, Gate::interval)
    }
}

/// One worker in one attempt.
#[derive(Debug)]
pub(super) struct Work {
    me: usize,
    nodes: usize,
    pub(super) attempt: u64,
    breach: Option<Breach>,
    /// The layout by which the source sends, and the interval that is under way there.
    layout: Arc<Layout>,
    interval: u64,
    /// The layout by which records are sent on behind the first exchange.
    onward: Arc<Layout>,
    pub(super) going: bool,
    /// The splits that are read here, and where.
    splits: BTreeMap<usize, i64>,
    /// Splits that come, and those that have, each at its barrier.
    awaited: BTreeSet<usize>,
    coming: BTreeMap<(u64, usize), i64>,
    triggers: VecDeque<(Barrier, Option<Arc<Change>>)>,
    told: Option<Mark>,
    stages: [Stage; 2],
    /// The last committed snapshot that others are relative to.
    base: u64,
    /// What is to come out, by the interval that it belongs to.
    staged: BTreeMap<u64, Vec<Out>>,
    parts: BTreeMap<u64, Part>,
    /// What was read in advance.
    pub(super) prefetched: Option<Restored>,
    /// The change that is under way, and its interval; nothing has arrived of it, or not all.
    cut: Option<(u64, Arc<Change>)>,
    pub(super) out: Vec<(usize, Message)>,
    /// What was taken in: behind which exchange, from whom.
    pub(super) taken: Vec<(usize, usize)>,
    /// The exchanges that take no more to send.
    pub(super) full: [bool; 2],
    pub(super) events: Vec<Did>,
}
/// What a worker has to say for itself.
#[derive(Debug)]
pub(super) enum Did {
    /// It has all that it is to write for the snapshot of this interval.
    Part(u64, Part),
    Passed(Arc<Change>),
    Installed(u64),
}

impl Work {
    fn new(
        (me, nodes): (usize, usize),
        attempt: u64,
        breach: Option<Breach>,
        layout: &Arc<Layout>,
        input: &Input,
    ) -> Self {
        let stage = || Stage {
            gate: None,
            handover: Handover::new(me, input.groups, [], 0),
            merge: Merge::new(nodes),
            latest: None,
            shown: None,
            inbox: BTreeMap::new(),
            brought: BTreeSet::new(),
            groups: Groups::new(),
        };
        Work {
            me,
            nodes,
            attempt,
            breach,
            layout: layout.clone(),
            interval: 0,
            onward: layout.clone(),
            going: false,
            splits: BTreeMap::new(),
            awaited: BTreeSet::new(),
            coming: BTreeMap::new(),
            triggers: VecDeque::new(),
            told: None,
            stages: [stage(), stage()],
            base: 0,
            staged: BTreeMap::new(),
            parts: BTreeMap::new(),
            prefetched: None,
            cut: None,
            out: Vec::new(),
            taken: Vec::new(),
            full: [false; 2],
            events: Vec::new(),
        }
    }
    /// A worker that begins with the others.
    pub(super) fn begin(
        at: (usize, usize),
        (attempt, interval): (u64, u64),
        breach: Option<Breach>,
        layout: &Arc<Layout>,
        restored: &Restored,
        input: &Input,
    ) -> Self {
        let mut work = Work::new(at, attempt, breach, layout, input);
        (work.interval, work.base) = (interval, interval - 1);
        let position = |split: &usize| restored.positions.get(split).copied().unwrap_or(0);
        work.splits = layout.splits_of(at.0).map(|split| (split, position(&split))).collect();
        for (stage, groups) in work.stages.iter_mut().zip(&restored.groups) {
            let mine = || (0..input.groups).filter(|group| layout.owner(*group) == at.0);
            stage.gate = Some(Gate::new(interval, layout.members().iter().copied()));
            stage.handover = Handover::new(at.0, input.groups, mine(), interval - 1);
            stage.merge.restart(at.1, |worker| layout.has(worker));
            stage.groups = mine().map(|group| (group, groups.get(&group).cloned().unwrap_or_default())).collect();
        }
        work
    }
    /// A worker that joins at a barrier that has not come yet.
    pub(super) fn join(
        at: (usize, usize),
        attempt: u64,
        breach: Option<Breach>,
        layout: &Arc<Layout>,
        input: &Input,
    ) -> Self {
        let mut work = Work::new(at, attempt, breach, layout, input);
        work.going = true;
        work
    }
    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    pub(super) fn receive(&mut self, from: usize, frame: Frame) {
        self.stages[frame.stage].inbox.entry(from).or_default().push_back(frame);
    }
    pub(super) fn trigger(&mut self, barrier: Barrier, change: Option<Arc<Change>>) {
        self.triggers.push_back((barrier, change));
    }
    /// A snapshot is committed: what is to come out, of this worker.
    pub(super) fn committed(&mut self, interval: u64, is_base: bool) -> Vec<Out> {
        if is_base {
            self.base = interval;
        }
        let later = self.staged.split_off(&(interval + 1));
        std::mem::replace(&mut self.staged, later).into_values().flatten().collect()
    }
    /// Whether it has read all that it is to read.
    pub(super) fn has_finished(&self, input: &Input) -> bool {
        let read = |(split, at): (&usize, &i64)| input.record(*split, *at).is_none();
        self.going
            && self.interval > 0
            && self.told.is_some()
            && self.awaited.is_empty()
            && self.splits.iter().all(read)
    }
    /// What waits, for people.
    pub(super) fn describe(&self) -> String {
        let stage = |at: usize| {
            let stage = &self.stages[at];
            let heads: Vec<String> = stage
                .inbox
                .iter()
                .filter_map(|(from, frames)| {
                    Some(format!("{from}: {} from interval {}", frames.len(), frames.front()?.interval))
                })
                .collect();
            format!(
                "exchange {at} in interval {}, waits [{}], settled {}",
                stage.interval(),
                heads.join(", "),
                stage.handover.is_settled()
            )
        };
        format!(
            "source in interval {}, splits {:?}, triggers {}; {}; {}",
            self.interval,
            self.splits,
            self.triggers.len(),
            stage(0),
            stage(1)
        )
    }

    /// Does one thing, if there is one.
    pub(super) fn step(&mut self, random: &mut Random, input: &Input, check: &mut Check) -> Result<(), Wrong> {
        if !self.going {
            return Ok(());
        }
        match random.below(8) {
            0..3 => self.take_in(1, random, input, check),
            3..6 if !self.full[1] => self.take_in(0, random, input, check),
            6 if !self.triggers.is_empty() => {
                self.begin_barrier(input);
                Ok(())
            }
            // Reading is slow, so that a good deal happens meanwhile.
            7 if !self.full[0] && random.one_in(2) => {
                self.read(random, input);
                Ok(())
            }
            _ => Ok(()),
        }
    }
    fn read(&mut self, random: &mut Random, input: &Input) {
        let open: Vec<usize> = self
            .splits
            .iter()
            .filter(|(split, at)| input.record(**split, **at).is_some())
            .map(|(split, _)| *split)
            .collect();
        if let Some(split) = open.get(random.index(open.len())) {
            let at = self.splits.get_mut(split);
            if let Some(rec) = at.and_then(|at| {
                *at += 1;
                input.record(*split, *at - 1)
            }) {
                let to = self.layout.owner(input.group(0, rec.key));
                self.send(0, to, self.interval, Body::Record(rec));
            }
        }
        self.tell(input);
    }
    /// Tells everybody what time the source has come to.
    fn tell(&mut self, input: &Input) {
        if self.interval == 0 || !self.layout.has(self.me) || !self.awaited.is_empty() {
            return;
        }
        let marks: Option<Vec<i64>> = self.splits.iter().map(|(split, at)| input.mark(*split, *at)).collect();
        let Some(marks) = marks else { return };
        let mark = marks.into_iter().min().map_or(Mark::Idle(i64::MIN), Mark::At);
        if self.told != Some(mark) {
            self.told = Some(mark);
            let members = self.layout.members().to_vec();
            members.into_iter().for_each(|to| self.send(0, to, self.interval, Body::Mark(mark)));
        }
    }
    fn send(&mut self, stage: usize, to: usize, interval: u64, body: Body) {
        self.out.push((to, Message::Frame(self.attempt, Frame { stage, interval, body })));
    }

    /// The source ends its interval.
    fn begin_barrier(&mut self, input: &Input) {
        let Some((barrier, change)) = self.triggers.pop_front() else { return };
        if self.interval == 0 || barrier.interval != self.interval {
            // It joins, and has no part in this barrier.
            return;
        }
        let n = barrier.interval;
        self.parts.entry(n).or_default().positions = self.splits.clone();
        let members = change.as_ref().map_or_else(|| self.layout.members().to_vec(), |change| change.members());
        members.into_iter().for_each(|to| self.send(0, to, n, Body::Barrier(barrier, change.clone())));
        self.interval = n + 1;
        if let Some(change) = change {
            self.move_splits(n, &change);
            self.tell(input);
        }
    }
    fn move_splits(&mut self, n: u64, change: &Arc<Change>) {
        self.layout = change.new.clone();
        if self.breach != Some(Breach::TimeOfSendersKept) {
            self.told = None;
        }
        for moved in change.splits() {
            if moved.from == self.me {
                let position = self.splits.remove(&moved.what).unwrap_or(0);
                let split = Moved::Split { interval: n, split: moved.what, position };
                self.out.push((moved.to, Message::Moved(self.attempt, split)));
            } else if moved.to == self.me {
                match self.coming.remove(&(n, moved.what)) {
                    Some(position) => drop(self.splits.insert(moved.what, position)),
                    None => drop(self.awaited.insert(moved.what)),
                }
            }
        }
    }
    /// Something that moves has arrived.
    pub(super) fn arrived(&mut self, moved: Moved, input: &Input, check: &mut Check) -> Result<(), Wrong> {
        match moved {
            Moved::Split { interval, split, position } => {
                if interval < self.interval {
                    self.awaited.remove(&split);
                    self.splits.insert(split, position);
                    self.tell(input);
                } else {
                    self.coming.insert((interval, split), position);
                }
                self.settle();
                Ok(())
            }
            Moved::Group { interval, stage, group, state, base } => {
                let steps = self.stages[stage].handover.arrived(interval, group, (state, base)).map_err(wrong)?;
                self.follow(stage, interval, steps, input, check)
            }
        }
    }
}
