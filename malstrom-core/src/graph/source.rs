//! Sources inside a pipeline.
mod drive;
mod opened;
mod origin;
mod saved;

use drive::{Root, drive};
use opened::Open;
use origin::{HOPS, Origin, Start};
use saved::{Place, Splits, Waiting};

use super::build::Graph;
use super::names;
use super::picture::NodeKind;
use super::policy::{Policy, Unfailing};
use super::segment::{Ending, LEAST, MOST, hand_on, next_chunk};
use crate::contract::form::Formed;
use crate::contract::never::Never;
use crate::contract::record::Record;
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::source::{Progress, Read, Source, SplitReader};
use crate::contract::typed::{SpecOf, Typed};
use crate::error::Error;
use crate::exchange::changes::{Changes, Halt};
use crate::exchange::fabric::{Fabric, Links};
use crate::stream::call::OnFail;
use crate::stream::env::{Env, Site};
use crate::stream::signal::{End, Flow, Signal, SplitNews, sooner};
use crate::stream::{Push, Segment, Stream, Turn, stream_of};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How many records one run may read, if nothing waits to be consumed downstream.
const BUDGET: usize = 16 * MOST;

/// How many of the first records of a split are handed on one by one where there is event time, so that what is late in
/// a handful of records does not depend on how many are read at a time.
const ONE_BY_ONE: u64 = 512;

struct SourceHead<S, F> {
    source: S,
    on_fail: F,
    node: usize,
}
impl<S: Source, F: 'static> Typed for SourceHead<S, F> {
    type Item = S::Out;
    type Form = Formed;
    type Node = names::source;
}
impl<S: Source, F: OnFail<Root, S::Error>> Stream for SourceHead<S, F> {
    type Crossing = crate::contract::crossing::Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<Root, S::Out>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        Ok(Box::new(SourceSegment {
            source: self.source,
            number: self.node,
            on_fail: self.on_fail,
            site: env.site(self.node),
            worker: env.worker(),
            fabric: Links::fabric_of(env)?,
            readers: Vec::new(),
            next: 0,
            chunk: LEAST,
            listed: false,
            exhausted: false,
            origin: env.timed().then(|| match Links::changes_of(env) {
                // The others have said long since what they read first.
                Some(changes) if changes.joins().is_some() => {
                    Origin { start: Start::Done, ..Origin::new(env.worker(), self.node) }
                }
                _ => Origin::new(env.worker(), self.node),
            }),
            chain: Some(end),
            ending: Ending::No,
            end: End::Complete,
            tracks: env.tracks(),
            cleans: env.saving().is_some_and(|saving| saving.cleans),
            restored: Splits::default(),
            saved: Splits::default(),
            written: None,
            passed: 0,
            version: 0,
            apart: Links::changes_of(env).is_some_and(|changes| changes.joins().is_some()),
            halt: Halt::new(Links::changes_of(env)),
            changes: Links::changes_of(env),
            rests: false,
            holds: None,
        }))
    }
}

/// `source(s)` whose rows cannot fail.
pub fn source<S: Source<Error = Never>>(
    graph: Graph,
    id: &'static str,
    source: S,
) -> stream_of!(S::Out, Formed, names::source) {
    source_or(graph, id, source, Unfailing).0
}
/// `source(s)` and what happens to malformed rows.
pub fn source_or<S: Source, F: Policy<Root, S::Error>>(
    graph: Graph,
    id: &'static str,
    source: S,
    policy: F,
) -> (stream_of!(S::Out, Formed, names::source), F::Failures) {
    let node = graph.node(id, NodeKind::Source);
    graph.hold_to_promise(node, S::REPLAYS, "this source cannot repeat what was lost");
    let (on_fail, failures) = policy.declare(&graph, node);
    (SourceHead { source, on_fail, node }, failures)
}

struct SourceSegment<S: Source, F, P> {
    source: S,
    number: usize,
    on_fail: F,
    site: Site,
    worker: usize,
    fabric: Arc<Fabric>,
    readers: Vec<Open<S::Reader>>,
    next: usize,
    /// How many records a reader is asked for now.
    chunk: usize,
    /// It is known which splits there are, and no split is left to take.
    listed: bool,
    exhausted: bool,
    /// What those downstream are told of splits, if they want to know.
    origin: Option<Origin>,
    chain: Option<P>,
    ending: Ending,
    end: End,
    /// Whether it is written how far splits have come, and whether this worker goes on writing what was restored.
    tracks: bool,
    cleans: bool,
    /// What the splits were when the job was restored, until they are listed.
    restored: Splits,
    /// What this worker writes of splits that it does not read now.
    saved: Splits,
    /// What it wrote at the last barrier.
    written: Option<Vec<u8>>,
    passed: u64,
    /// The version of the last change that has passed.
    version: u64,
    /// Who may read its splits, if that may change.
    changes: Option<Rc<Changes>>,
    halt: Halt,
    /// Nothing is read: it has not come to the barrier at which this worker joins others, or is behind the one at which it leaves.
    apart: bool,
    /// It has no splits, while others have, and those downstream know.
    rests: bool,
    /// Until all that moves is read again nothing is promised: by which change.
    holds: Option<u64>,
}

impl<S: Source, F: OnFail<Root, S::Error>, P: Push<Root, S::Out>> SourceSegment<S, F, P> {
    /// Whether nothing is read now: a barrier with a change has begun here, and is not done with.
    fn stands(&self) -> bool {
        self.apart || self.halt.holds(self.passed)
    }
    /// Tells those downstream of a split.
    fn tell(&mut self, split: u64, news: SplitNews) {
        if let (Some(_), Some(chain)) = (&self.origin, &mut self.chain) {
            chain.signal(Signal::Split(split, news));
        }
    }
    /// Takes note of how far the splits have come that are being read.
    fn keep_positions(&mut self) {
        if !self.tracks {
            return;
        }
        let guard = self.site.guard();
        for open in &self.readers {
            let mut position = Vec::new();
            match open.reader.position().encode(&mut position) {
                Ok(()) => self.saved.note(open.name.clone(), open.split, Place::Reads(position)),
                Err(error) => self.site.fail(Error::custom(error).in_connector(&self.site.id)),
            }
        }
        guard.disarm();
    }

    fn pump(&mut self) -> Flow {
        self.chain.as_mut().map_or(Flow::Full, Push::pump)
    }
    /// Whether something waits downstream, to be consumed while it is warm.
    fn full(&self) -> bool {
        self.chain.as_ref().is_none_or(Push::full)
    }

    /// Reads from one split until something waits downstream. Says whether anything came, and whether it has ended.
    fn read(&mut self, at: usize, now: Duration) -> crate::Result<(bool, bool)> {
        let mut any = false;
        let mut left = BUDGET.min(self.fabric.limits().pace);
        self.turn_to(at);
        loop {
            let open = &mut self.readers[at];
            open.due = None;
            if self.origin.is_some() && open.taken < ONE_BY_ONE {
                self.chunk = 1;
            }
            let asked = self.chunk.min(left);
            let guard = self.site.guard();
            let (emitted, read) = drive(&mut open.reader, &mut self.chain, &mut self.on_fail, &self.site, asked);
            guard.disarm();
            self.site.add(|c| c.records_out += emitted);
            self.on_fail.settle(&self.site);
            if let Some(chain) = &mut self.chain {
                chain.settle(emitted);
            }
            if let Ok(read) = &read {
                self.report(at, emitted, read);
            }
            any |= emitted > 0;
            left -= asked;
            match read? {
                Read::End => return Ok((any, true)),
                Read::After(pause) => {
                    self.readers[at].due = Some(now + pause);
                    return Ok((any, false));
                }
                Read::More => {
                    // A reader that found nothing but may have more (blank lines, malformed rows) is not idle.
                    any = true;
                }
            }
            let full = self.full();
            // Where there is event time, each read may have made it advance.
            let free = !(full || self.origin.is_some()) || self.pump().is_free();
            self.chunk = next_chunk(self.chunk, full && !free);
            if left == 0 || full || !free || self.on_fail.stopped() {
                return Ok((any, false));
            }
        }
    }

    fn turn(&mut self, now: Duration) -> crate::Result<Turn> {
        let due = self.chain.as_mut().and_then(|chain| chain.tick(now));
        match self.pump().and(self.on_fail.pump()) {
            Flow::Free => {}
            Flow::Busy => {
                if let Some(chain) = &mut self.chain {
                    chain.settle(0);
                }
                return Ok(Turn::Busy);
            }
            Flow::Full => return Ok(Turn::HeldBack(due)),
        }
        if self.stands() {
            return Ok(Turn::Idle(None));
        }
        if self.fabric.stopping() {
            self.keep_positions();
            self.readers.clear();
            self.exhausted = true;
            self.end = End::Stopped;
            return Ok(Turn::Busy);
        }
        if self.fabric.paused() {
            return Ok(Turn::Idle(due));
        }
        let before = self.readers.len();
        if !self.take_splits()? {
            return Ok(Turn::Idle(due));
        }
        let mut busy = before != self.readers.len() || !std::mem::replace(&mut self.listed, true);
        if let Some(origin) = &mut self.origin
            && origin.start != Start::Done
        {
            if origin.start != Start::Waits || !Links::all_arrived::<Waiting<S>>(&self.fabric, self.number)? {
                return Ok(if busy { Turn::Busy } else { Turn::Idle(None) });
            }
            origin.start = Start::Done;
        }
        let mut due = due;
        for _ in 0..self.readers.len() {
            self.next %= self.readers.len().max(1);
            let Some(open) = self.readers.get(self.next) else { break };
            if let Some(later) = open.due.filter(|later| *later > now) {
                due = sooner(due, Some(later));
                self.next += 1;
                continue;
            }
            let (any, ended) = self.read(self.next, now)?;
            busy |= any | ended;
            if ended {
                let gone = self.readers.remove(self.next);
                Links::split_ends::<Waiting<S>>(&self.fabric, self.number)?;
                if self.tracks {
                    self.saved.note(gone.name, gone.split, Place::Ended);
                }
                self.tell(gone.split, SplitNews::Ends);
            } else {
                if let Some(later) = self.readers[self.next].due {
                    due = sooner(due, Some(later));
                }
                self.next += 1;
            }
            // A whole batch waits, or what a signal asked for must be done before anything else comes.
            if self.full() || self.origin.is_some() && !self.pump().is_free() {
                break;
            }
        }
        Ok(if busy { Turn::Busy } else { Turn::Idle(due) })
    }
}

impl<S: Source, F: OnFail<Root, S::Error>, P: Push<Root, S::Out>> Segment for SourceSegment<S, F, P> {
    fn run(&mut self, now: Duration) -> Turn {
        if self.stands() {
            return hand_on(&mut self.chain);
        }
        if let Some(origin) = &mut self.origin
            && let Start::Passes(left) = origin.start
        {
            if let Some(fewer) = left.checked_sub(1) {
                origin.start = Start::Passes(fewer);
                return Turn::Busy;
            }
            origin.start = Start::Waits;
            if let Err(error) = Links::arrive::<Waiting<S>>(&self.fabric, self.number) {
                self.site.fail(error.in_connector(&self.site.id));
            }
            return if self.ending == Ending::Done { Turn::Done } else { Turn::Busy };
        }
        let mut turn = Turn::Busy;
        if self.ending == Ending::No {
            turn = self.turn(now).unwrap_or_else(|error| {
                self.site.fail(error.in_connector(&self.site.id));
                Turn::Busy
            });
            if self.exhausted {
                self.on_fail.flush();
                self.on_fail.finish(self.end);
            }
        }
        if self.stands() {
            return turn;
        }
        let Some(chain) = &mut self.chain else { return Turn::Done };
        let turn = self.ending.advance(self.exhausted.then_some(self.end), chain).unwrap_or(turn);
        let listed = self.listed || self.exhausted;
        if let Some(origin) = self.origin.as_mut().filter(|origin| listed && origin.start == Start::Not) {
            origin.start = Start::Passes(HOPS);
            chain.flush();
            return Turn::Busy;
        }
        turn
    }
    fn flush(&mut self) -> bool {
        self.on_fail.flush() | self.chain.as_mut().is_some_and(Push::flush)
    }
    fn progress(&self, out: &mut Vec<Progress>) {
        let guard = self.site.guard();
        out.extend(self.readers.iter().filter_map(|open| open.reader.progress()));
        guard.disarm();
    }
    fn begin_barrier(&mut self, barrier: Barrier) {
        // What is not known to be there cannot be given away.
        let unlisted = self.changes.is_some() && !self.listed && !self.apart && !self.exhausted;
        if self.passed >= barrier.interval || unlisted {
            return;
        }
        self.passed = barrier.interval;
        self.keep_positions();
        match self.saved.clone().encode() {
            Ok(written) => self.written = Some(written),
            Err(error) => self.site.fail(Error::custom(error).in_connector(&self.site.id)),
        }
        self.on_fail.signal(Signal::Barrier(barrier));
        if let Some(chain) = &mut self.chain {
            chain.signal(Signal::Barrier(barrier));
        }
        self.hold_time(barrier.interval);
    }
    fn passed(&self) -> u64 {
        self.chain.as_ref().map_or(0, Push::passed)
    }
    fn persist(&mut self, mut task: Task<'_, '_>) {
        match &mut task {
            Task::Save(pen) => {
                if let Some(written) = self.written.take() {
                    pen.chunk(saved::head(self.number), written);
                }
            }
            Task::Load(book) => {
                self.restored = Splits::load(book, self.number, &self.site.id);
                if let Some(origin) = &mut self.origin {
                    self.restored.0.values().for_each(|(number, _)| origin.skip(*number));
                }
                if self.cleans {
                    self.saved = self.restored.remembered();
                }
            }
            Task::Give(pen, groups) => {
                if groups.leaves() {
                    let cut = self.changes.as_ref().and_then(|changes| changes.at(self.passed));
                    match self.saved.handed(cut.map_or(0, |cut| cut.change.new.version())).encode() {
                        Ok(written) => pen.chunk(saved::head(self.number), written),
                        Err(error) => self.site.fail(Error::custom(error).in_connector(&self.site.id)),
                    }
                }
            }
            Task::Take(book, _) => {
                let inherited = Splits::load(book, self.number, &self.site.id);
                inherited.0.into_iter().for_each(|(name, (number, place))| self.saved.note(name, number, place));
            }
            Task::Settle(_) => {}
        }
        if let Some(chain) = &mut self.chain {
            chain.persist(task);
        }
    }
    fn go_on(&mut self, interval: u64) {
        let cut = self.changes.as_ref().and_then(|changes| changes.at(interval));
        self.apart = cut.is_some_and(|cut| !cut.change.new.has(self.worker));
        self.halt.go_on(interval);
    }
    fn give_way(&mut self, interval: u64) {
        let cut = self.changes.as_ref().and_then(|changes| changes.at(interval));
        if let Some(cut) = cut {
            self.give_splits_back(&cut);
        }
    }
    fn is_source(&self) -> bool {
        true
    }
    fn leave(&mut self) {
        self.on_fail.finish(End::Stopped);
        self.ending.leave(&mut self.chain);
    }
}
