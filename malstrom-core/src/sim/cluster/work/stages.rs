//! What a worker does with what its exchanges bring.
use super::{Did, Held, WAITING, Work};
use crate::contract::snapshot::{Barrier, Scope};
use crate::exchange::gate::{Gate, GateError, Passed};
use crate::exchange::handover::{HandoverError, Step};
use crate::exchange::layout::Change;
use crate::sim::cluster::Breach;
use crate::sim::cluster::check::{Check, Wrong};
use crate::sim::cluster::job::{Body, Group, Input, Message, Moved, Out, Rec, WINDOW, window};
use crate::sim::engine::Random;
use crate::stream::signal::{Mark, Signal};
use std::collections::VecDeque;
use std::sync::Arc;

impl Work {
    /// Takes in a frame that a stage may take in.
    pub(super) fn take_in(
        &mut self,
        at: usize,
        random: &mut Random,
        input: &Input,
        check: &mut Check,
    ) -> Result<(), Wrong> {
        let stage = &mut self.stages[at];
        if stage.handover.waiting() >= WAITING {
            return Ok(());
        }
        let mut ready = Vec::new();
        for (from, frames) in &stage.inbox {
            let Some(head) = frames.front() else { continue };
            let admitted = match (&stage.gate, &head.body) {
                (Some(_), _) if self.breach == Some(Breach::NoGate) => !stage.brought.contains(from),
                (Some(gate), _) => gate.admits(*from, head.interval).map_err(late)?,
                (None, Body::Barrier(_, Some(change))) => change.new.has(self.me),
                (None, _) => false,
            };
            if admitted {
                ready.push(*from);
            }
        }
        let Some(from) = ready.get(random.index(ready.len())).copied() else { return Ok(()) };
        let Some(frame) = stage.inbox.get_mut(&from).and_then(VecDeque::pop_front) else { return Ok(()) };
        self.taken.push((at, from));
        match frame.body {
            Body::Record(rec) => {
                self.ship_early(at, random);
                let group = input.group(at, rec.key);
                match self.stages[at].handover.record(group, rec).map_err(wrong)? {
                    Some(rec) => self.apply(at, group, rec, input, check),
                    None => check.queued(self.stages[at].handover.waiting()),
                }
            }
            Body::Mark(mark) => {
                if let Some(Signal::Time(mark)) = stage.merge.take(from, Signal::Time(mark)) {
                    stage.latest = Some(mark);
                }
                self.show(at, check)
            }
            Body::Barrier(barrier, change) => {
                let members = change.as_ref().map_or(&[][..], |change| change.old.members());
                let stage = &mut self.stages[at];
                let gate = stage.gate.get_or_insert_with(|| Gate::new(barrier.interval, members.iter().copied()));
                stage.brought.insert(from);
                match gate.arrive(from, barrier.interval, change).map_err(late)? {
                    Some(passed) => self.passed(at, barrier, &passed, input, check),
                    None => Ok(()),
                }
            }
        }
    }
    pub(super) fn apply(
        &mut self,
        at: usize,
        group: usize,
        rec: Rec,
        input: &Input,
        check: &mut Check,
    ) -> Result<(), Wrong> {
        let stage = &mut self.stages[at];
        let interval = stage.interval();
        check.owns((self.attempt, interval), (at, group), self.me)?;
        if let Some(Mark::At(time) | Mark::Idle(time)) = stage.shown
            && rec.at <= time
        {
            return Err(Wrong::Late { worker: self.me, stage: at, record: rec.into(), shown: time });
        }
        let kept = stage.groups.entry(group).or_default().entry(rec.key).or_default();
        kept.count += 1;
        kept.changed = interval;
        if at == 0 {
            let rec = Rec { first: kept.count, ..rec };
            let to = self.onward.owner(input.group(1, rec.key));
            self.send(1, to, interval, Body::Record(rec));
        } else {
            *kept.windows.entry(window(rec.at)).or_default() += 1;
            let out = Out::Seen(rec, kept.count);
            self.staged.entry(interval).or_default().push(out);
        }
        Ok(())
    }
    /// Shows behind a stage what time it is, unless something is awaited.
    pub(super) fn show(&mut self, at: usize, check: &mut Check) -> Result<(), Wrong> {
        let stage = &mut self.stages[at];
        let free = stage.handover.is_settled() || self.breach == Some(Breach::TimeNotHeld);
        if !free || stage.latest == stage.shown || stage.latest.is_none() {
            return Ok(());
        }
        if let (Some(Mark::At(old) | Mark::Idle(old)), Some(Mark::At(new) | Mark::Idle(new))) =
            (stage.shown, stage.latest)
            && new < old
        {
            return Err(Wrong::Back { worker: self.me, stage: at, from: old, to: new });
        }
        stage.shown = stage.latest;
        if at == 0 {
            self.tell_on();
            return Ok(());
        }
        self.close(check)
    }
    /// Tells those behind the second exchange what time it is behind the first.
    pub(super) fn tell_on(&mut self) {
        let stage = &self.stages[0];
        if let Some(mark) = stage.shown {
            let (interval, layout) = (stage.interval(), self.onward.clone());
            layout.members().iter().for_each(|to| self.send(1, *to, interval, Body::Mark(mark)));
        }
    }
    /// Closes windows whose time has come.
    pub(super) fn close(&mut self, check: &mut Check) -> Result<(), Wrong> {
        let stage = &mut self.stages[1];
        let Some(Mark::At(time) | Mark::Idle(time)) = stage.shown else { return Ok(()) };
        let interval = stage.interval();
        for (group, keys) in &mut stage.groups {
            for (key, kept) in keys {
                while let Some(first) = kept.windows.first_entry().filter(|first| first.key() + WINDOW - 1 <= time) {
                    let (start, count) = first.remove_entry();
                    check.owns((self.attempt, interval), (1, *group), self.me)?;
                    kept.changed = interval;
                    self.staged.entry(interval).or_default().push(Out::Window { key: *key, start, count });
                }
            }
        }
        Ok(())
    }

    /// A barrier has come from all senders of a stage.
    pub(super) fn passed(
        &mut self,
        at: usize,
        barrier: Barrier,
        passed: &Passed,
        input: &Input,
        check: &mut Check,
    ) -> Result<(), Wrong> {
        let n = passed.interval;
        let base = self.base;
        let stage = &mut self.stages[at];
        stage.brought.clear();
        let whole = barrier.scope == Scope::Whole;
        let written = stage.groups.iter().map(|(group, keys)| {
            let changed = keys.iter().filter(|(_, kept)| whole || kept.changed > base);
            (*group, changed.map(|(key, kept)| (*key, kept.clone())).collect::<Group>())
        });
        let written = written.filter(|(_, keys)| !keys.is_empty()).collect();
        self.parts.entry(n).or_default().groups[at] = written;
        if let Some(change) = &passed.change {
            if self.cut.is_none() {
                self.cut = Some((n, change.clone()));
            }
            if self.interval == 0 {
                // It joins: its source begins behind this barrier.
                self.interval = n + 1;
                self.move_splits(n, change);
                self.tell(input);
            }
            let stage = &mut self.stages[at];
            if self.breach != Some(Breach::TimeOfSendersKept) {
                stage.merge.restart(self.nodes, |worker| change.new.has(worker));
            }
            stage.latest = stage.shown;
            let steps = stage.handover.cut(n, change).map_err(wrong)?;
            if at == 0 {
                let members = change.members();
                if change.old.has(self.me) {
                    members
                        .into_iter()
                        .for_each(|to| self.send(1, to, n, Body::Barrier(barrier, Some(change.clone()))));
                }
                self.onward = change.new.clone();
                if self.breach != Some(Breach::TimeOfSendersKept) && change.new.has(self.me) {
                    self.tell_on();
                }
            }
            self.follow(at, n, steps, input, check)?;
        } else if at == 0 {
            let members = self.onward.members().to_vec();
            members.into_iter().for_each(|to| self.send(1, to, n, Body::Barrier(barrier, None)));
        }
        if at == 1 {
            self.written(n, passed.change.as_ref());
        }
        self.settle();
        Ok(())
    }
    pub(super) fn written(&mut self, n: u64, change: Option<&Arc<Change>>) {
        let mut part = self.parts.remove(&n).unwrap_or_default();
        if let Some(change) = change {
            self.events.push(Did::Passed(change.clone()));
            if !change.old.has(self.me) {
                return;
            }
        }
        part.staged = self.staged.range(..=n).flat_map(|(_, outs)| outs.iter().copied()).collect();
        self.events.push(Did::Part(n, part));
        if self.breach == Some(Breach::ChangesForgotten) {
            self.base = n;
        }
    }
    /// Does what a move asks for.
    pub(super) fn follow(
        &mut self,
        at: usize,
        n: u64,
        steps: Vec<Step<Held, (Group, Option<u64>)>>,
        input: &Input,
        check: &mut Check,
    ) -> Result<(), Wrong> {
        for step in steps {
            match step {
                Step::Ship { group, to, base } => {
                    // In advance, by mistake.
                    let Some(mut state) = self.stages[at].groups.remove(&group) else { continue };
                    state.retain(|_, kept| base.is_none_or(|base| kept.changed > base));
                    self.ship(at, n, group, to, state, base);
                }
                Step::Install { group, state: (state, base) } => {
                    let mut known = Group::new();
                    if let Some(base) = base {
                        let read = self.prefetched.as_ref().filter(|read| read.interval == base);
                        let Some(read) = read else { return Err(Wrong::NotRead { worker: self.me, base }) };
                        known = read.groups[at].get(&group).cloned().unwrap_or_default();
                    }
                    known.extend(state);
                    self.stages[at].groups.insert(group, known);
                }
                Step::Apply(rec) => self.apply(at, input.group(at, rec.key), rec, input, check)?,
            }
        }
        self.show(at, check)?;
        if at == 1 && self.stages[1].handover.is_settled() {
            self.close(check)?;
        }
        self.settle();
        Ok(())
    }
    pub(super) fn ship(
        &mut self,
        stage: usize,
        interval: u64,
        group: usize,
        to: usize,
        state: Group,
        base: Option<u64>,
    ) {
        let moved = Moved::Group { interval, stage, group, state, base };
        self.out.push((to, Message::Moved(self.attempt, moved)));
    }
    /// Says so when all that was gained has arrived.
    pub(super) fn settle(&mut self) {
        let Some((n, change)) = &self.cut else { return };
        let through = self.stages.iter().all(|stage| stage.interval() > *n && stage.handover.is_settled());
        if through && self.interval > *n && self.awaited.is_empty() {
            if change.new.has(self.me) {
                self.events.push(Did::Installed(*n));
            }
            self.cut = None;
        }
    }
    /// Ships a group before the barrier has come from all senders, by mistake.
    pub(super) fn ship_early(&mut self, at: usize, random: &mut Random) {
        if self.breach != Some(Breach::ShippedEarly) || !random.one_in(5) {
            return;
        }
        let Some(change) = self.triggered() else { return };
        let n = self.interval - 1;
        if self.stages[at].interval() != n {
            return;
        }
        let mine =
            change.groups().find(|moved| moved.from == self.me && self.stages[at].groups.contains_key(&moved.what));
        if let Some(moved) = mine
            && let Some(state) = self.stages[at].groups.remove(&moved.what)
        {
            self.ship(at, n, moved.what, moved.to, state, None);
        }
    }
    /// The change whose barrier the source has passed, and a stage has not.
    pub(super) fn triggered(&self) -> Option<Arc<Change>> {
        self.stages.iter().flat_map(|stage| stage.inbox.values().flatten()).find_map(|frame| match &frame.body {
            Body::Barrier(_, Some(change)) => Some(change.clone()),
            _ => None,
        })
    }
}
pub(super) fn wrong(error: HandoverError) -> Wrong {
    Wrong::Protocol(error.to_string())
}
fn late(error: GateError) -> Wrong {
    Wrong::Protocol(error.to_string())
}
