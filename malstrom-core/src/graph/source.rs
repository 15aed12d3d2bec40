//! Sources inside a pipeline.
use super::build::Graph;
use super::names;
use super::picture::NodeKind;
use super::policy::{Policy, Unfailing};
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
        self.chain.push(At { key: &(), hash: 0 }, record);
        self.emitted += 1;
    }
    #[inline(always)]
    fn fail(&mut self, error: E) {
        self.on_fail.fail(At { key: &(), hash: 0 }, error, self.site);
    }
}

/// The loop over the records of one read.
///
/// A function of its own that takes the chain out of its place: on the stack nothing but this loop ever sees its
/// address, so its fields become registers and its branches selections.
#[inline(never)]
fn drive<R, P, F>(
    reader: &mut R,
    place: &mut Option<P>,
    on_fail: &mut F,
    site: &Site,
    chunk: usize,
) -> (u64, crate::Result<Read>)
where
    R: SplitReader,
    P: Push<(), R::Out>,
    F: OnFail<(), R::Error>,
{
    let Some(mut chain) = place.take() else { return (0, Ok(Read::End)) };
    let mut feed = Feed { chain: &mut chain, on_fail, site, emitted: 0 };
    let read = reader.read(chunk, &mut feed);
    let emitted = feed.emitted;
    *place = Some(chain);
    (emitted, read)
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

    /// Whether something waits downstream, to be consumed while it is warm.
    fn full(&self) -> bool {
        self.chain.as_ref().is_none_or(Push::full)
    }

    /// Reads from one split until something waits downstream. Says whether anything came, and whether it has ended.
    fn read(&mut self, at: usize, now: Duration) -> crate::Result<(bool, bool)> {
        let mut any = false;
        let mut left = BUDGET;
        loop {
            let open = &mut self.readers[at];
            let guard = self.site.guard();
            let (emitted, read) = drive(&mut open.reader, &mut self.chain, &mut self.on_fail, &self.site, self.chunk);
            guard.disarm();
            self.site.add(|c| c.records_out += emitted);
            self.on_fail.settle(&self.site);
            if let Some(chain) = &mut self.chain {
                chain.settle(emitted);
            }
            any |= emitted > 0;
            left = left.saturating_sub(self.chunk);
            match read? {
                Read::End => return Ok((any, true)),
                Read::After(pause) => {
                    open.due = Some(now + pause);
                    return Ok((any, false));
                }
                Read::More => {
                    open.due = None;
                    // A reader that found nothing but may have more (blank lines, malformed rows) is not idle.
                    any = true;
                }
            }
            let full = self.full();
            let over = full && !self.chain.as_mut().is_some_and(Push::pump);
            self.chunk = next_chunk(self.chunk, over);
            if left == 0 || full || self.on_fail.stopped() {
                return Ok((any, false));
            }
        }
    }

    fn turn(&mut self, now: Duration) -> crate::Result<Turn> {
        let free = self.chain.as_mut().is_some_and(Push::pump);
        if !(free & self.on_fail.pump()) {
            return Ok(Turn::Idle(None));
        }
        if self.fabric.stopping() {
            self.readers.clear();
            self.exhausted = true;
            return Ok(Turn::Busy);
        }
        let before = self.readers.len();
        self.take_splits()?;
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
            let (any, ended) = self.read(self.next, now)?;
            busy |= any | ended;
            if ended {
                self.readers.remove(self.next);
            } else {
                if let Some(later) = self.readers[self.next].due {
                    due = sooner(due, later);
                }
                self.next += 1;
            }
            if self.full() {
                break;
            }
        }
        Ok(if busy { Turn::Busy } else { Turn::Idle(due) })
    }
}

fn sooner(a: Option<Duration>, b: Duration) -> Option<Duration> {
    Some(a.map_or(b, |a| a.min(b)))
}

impl<S: Source, F: OnFail<(), S::Error>, P: Push<(), S::Out>> Segment for SourceSegment<S, F, P> {
    fn run(&mut self, now: Duration) -> Turn {
        let mut turn = Turn::Busy;
        if self.ending == Ending::No {
            turn = self.turn(now).unwrap_or_else(|error| {
                self.site.fail(error.in_connector(&self.site.id));
                Turn::Busy
            });
            if self.exhausted {
                self.on_fail.flush();
                self.on_fail.finish();
            }
        }
        let Some(chain) = &mut self.chain else { return Turn::Done };
        self.ending.advance(self.exhausted, chain).unwrap_or(turn)
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
