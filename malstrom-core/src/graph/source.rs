//! Sources inside a pipeline.
use super::build::{Graph, Policy, Unfailing};
use super::names;
use super::picture::NodeKind;
use super::segment::{Ending, LEAST, MOST, next_chunk};
use crate::contract::keying::Unkeyed;
use crate::contract::never::Never;
use crate::contract::source::{Progress, Read, Source, SplitReader};
use crate::contract::stage::Emit;
use crate::contract::typed::Typed;
use crate::exchange::fabric::{Fabric, Links};
use crate::stream::call::OnFail;
use crate::stream::env::{Env, Site};
use crate::stream::{At, Push, Segment, Stream, Turn, stream_of};
use std::sync::Arc;
use std::time::Duration;

/// How many records one run may read, if nothing waits to be consumed downstream.
const BUDGET: usize = 16 * MOST;

struct SourceHead<S, F> {
    source: S,
    on_fail: F,
    node: usize,
}
impl<S: Source, F: 'static> Typed for SourceHead<S, F> {
    type Item = S::Out;
    type Keying = Unkeyed;
    type Node = names::source;
}
impl<S: Source, F: OnFail<(), S::Error>> Stream for SourceHead<S, F> {
    fn tail(&self) -> usize {
        self.node
    }
    fn close<P: Push<(), S::Out>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        Ok(Box::new(SourceSegment {
            source: self.source,
            number: self.node,
            on_fail: self.on_fail,
            site: env.site(self.node),
            fabric: Links::fabric_of(env)?,
            readers: Vec::new(),
            next: 0,
            chunk: LEAST,
            exhausted: false,
            chain: Some(end),
            ending: Ending::No,
        }))
    }
}

/// `source(s)` whose rows cannot fail.
pub fn source<S: Source<Error = Never>>(
    graph: Graph,
    id: &'static str,
    source: S,
) -> stream_of!(S::Out, Unkeyed, names::source) {
    source_or(graph, id, source, Unfailing).0
}
/// `source(s)` and what happens to malformed rows.
pub fn source_or<S: Source, F: Policy<(), S::Error>>(
    graph: Graph,
    id: &'static str,
    source: S,
    policy: F,
) -> (stream_of!(S::Out, Unkeyed, names::source), F::Failures) {
    let node = graph.node(id, NodeKind::Source);
    let (on_fail, failures) = policy.declare(&graph, node);
    (SourceHead { source, on_fail, node }, failures)
}

/// A split that is being read.
struct Open<R> {
    reader: R,
    /// When to ask again, if it had nothing.
    due: Option<Duration>,
}
struct SourceSegment<S: Source, F, P> {
    source: S,
    number: usize,
    on_fail: F,
    site: Site,
    fabric: Arc<Fabric>,
    readers: Vec<Open<S::Reader>>,
    next: usize,
    /// How many records a reader is asked for now.
    chunk: usize,
    /// No split is left to take.
    exhausted: bool,
    chain: Option<P>,
    ending: Ending,
}

/// Pushes what a reader emits straight into the chain.
struct Feed<'a, P, F> {
    chain: &'a mut P,
    on_fail: &'a mut F,
    site: &'a Site,
    emitted: u64,
}
impl<T, E, P: Push<(), T>, F: OnFail<(), E>> Emit<T, E> for Feed<'_, P, F> {
    #[inline(always)]
    fn emit(&mut self, record: T) {
        if self.on_fail.stopped() {
            return;
        }
        self.emitted += 1;
        self.chain.push(At { key: &(), hash: 0 }, record);
    }
    #[inline(always)]
    fn fail(&mut self, error: E) {
        self.on_fail.fail(At { key: &(), hash: 0 }, error, self.site);
    }
}

impl<S: Source, F: OnFail<(), S::Error>, P: Push<(), S::Out>> SourceSegment<S, F, P> {
    /// Opens splits until this worker has its share.
    fn take_splits(&mut self) -> crate::Result<()> {
        while !self.exhausted {
            let guard = self.site.guard();
            let split = Links::next_split(&self.fabric, self.number, &mut self.source, self.readers.len());
            let reader = split.and_then(|split| split.map(|split| self.source.open(split, None)).transpose());
            guard.disarm();
            match reader? {
                Some(reader) => self.readers.push(Open { reader, due: None }),
                None => break,
            }
        }
        self.exhausted = self.readers.is_empty();
        Ok(())
    }

    /// Reads from one split until something waits downstream. Says whether anything came, and whether it has ended.
    ///
    /// The chain comes by value: on the stack it is seen to be nobody else's, and its fields stay in registers.
    fn read(&mut self, at: usize, mut chain: P, now: Duration) -> (P, crate::Result<(bool, bool)>) {
        let open = &mut self.readers[at];
        let mut any = false;
        let mut left = BUDGET;
        loop {
            let mut feed = Feed { chain: &mut chain, on_fail: &mut self.on_fail, site: &self.site, emitted: 0 };
            let guard = self.site.guard();
            let read = open.reader.read(self.chunk, &mut feed);
            guard.disarm();
            let emitted = feed.emitted;
            self.site.add(|c| c.records_out += emitted);
            self.on_fail.settle(&self.site);
            chain.settle(emitted);
            any |= emitted > 0;
            left = left.saturating_sub(self.chunk);
            match read {
                Err(error) => return (chain, Err(error)),
                Ok(Read::End) => return (chain, Ok((any, true))),
                Ok(Read::After(pause)) => {
                    open.due = Some(now + pause);
                    return (chain, Ok((any, false)));
                }
                Ok(Read::More) => {
                    open.due = None;
                    // A reader that found nothing but may have more (blank lines, malformed rows) is not idle.
                    any = true;
                }
            }
            let full = chain.full();
            self.chunk = next_chunk(self.chunk, full && !chain.pump());
            if left == 0 || full || self.on_fail.stopped() {
                return (chain, Ok((any, false)));
            }
        }
    }

    fn turn(&mut self, mut chain: P, now: Duration) -> (P, crate::Result<Turn>) {
        if !(chain.pump() & self.on_fail.pump()) {
            return (chain, Ok(Turn::Idle(None)));
        }
        if self.fabric.stopping() {
            self.readers.clear();
            self.exhausted = true;
            return (chain, Ok(Turn::Busy));
        }
        let before = self.readers.len();
        if let Err(error) = self.take_splits() {
            return (chain, Err(error));
        }
        let mut busy = before != self.readers.len();
        let mut due = None;
        for _ in 0..self.readers.len() {
            self.next %= self.readers.len().max(1);
            let Some(open) = self.readers.get(self.next) else { break };
            if let Some(later) = open.due.filter(|later| *later > now) {
                due = sooner(due, later);
                self.next += 1;
                continue;
            }
            let read;
            (chain, read) = self.read(self.next, chain, now);
            match read {
                Err(error) => return (chain, Err(error)),
                Ok((_, true)) => {
                    busy = true;
                    self.readers.remove(self.next);
                }
                Ok((any, false)) => {
                    busy |= any;
                    if let Some(later) = self.readers[self.next].due {
                        due = sooner(due, later);
                    }
                    self.next += 1;
                }
            }
            if chain.full() {
                break;
            }
        }
        (chain, Ok(if busy { Turn::Busy } else { Turn::Idle(due) }))
    }
}

fn sooner(a: Option<Duration>, b: Duration) -> Option<Duration> {
    Some(a.map_or(b, |a| a.min(b)))
}

impl<S: Source, F: OnFail<(), S::Error>, P: Push<(), S::Out>> Segment for SourceSegment<S, F, P> {
    fn run(&mut self, now: Duration) -> Turn {
        let Some(mut chain) = self.chain.take() else { return Turn::Done };
        let mut turn = Turn::Busy;
        if self.ending == Ending::No {
            let read;
            (chain, read) = self.turn(chain, now);
            turn = read.unwrap_or_else(|error| {
                self.site.fail(error.in_connector(&self.site.id));
                Turn::Busy
            });
            if self.exhausted {
                self.on_fail.flush();
                self.on_fail.finish();
            }
        }
        let ended = self.ending.advance(self.exhausted, &mut chain);
        self.chain = Some(chain);
        ended.unwrap_or(turn)
    }
    fn flush(&mut self) -> bool {
        self.on_fail.flush() | self.chain.as_mut().is_some_and(Push::flush)
    }
    fn progress(&self, out: &mut Vec<Progress>) {
        let guard = self.site.guard();
        out.extend(self.readers.iter().filter_map(|open| open.reader.progress()));
        guard.disarm();
    }
}
