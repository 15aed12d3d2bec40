//! The splits that a worker reads: it takes its share of them, and tells those downstream what they want to know of each.
use super::SourceSegment;
use super::drive::Root;
use super::origin::{Origin, Start};
use super::saved::{self, Place, Waiting};
use crate::contract::record::Record;
use crate::contract::source::{Read, Source, SplitReader};
use crate::error::Error;
use crate::exchange::changes::Cut;
use crate::exchange::fabric::{Links, Listed, Next};
use crate::stream::Push;
use crate::stream::call::OnFail;
use crate::stream::signal::SplitNews;
use bytes::Bytes;
use std::time::Duration;

/// A split that is being read.
pub(super) struct Open<R> {
    pub(super) reader: R,
    /// By what it is known in snapshots.
    pub(super) name: Vec<u8>,
    /// Its number on this worker, the number of records it gave, and whether it has nothing to give.
    pub(super) split: u64,
    pub(super) taken: u64,
    pub(super) silent: bool,
    /// Whether it has said so.
    pub(super) rests: bool,
    pub(super) promised: Option<i64>,
    /// When to ask again, if it had nothing.
    pub(super) due: Option<Duration>,
}

impl<S: Source, F: OnFail<Root, S::Error>, P: Push<Root, S::Out>> SourceSegment<S, F, P> {
    /// Opens splits until this worker has its share. Says whether it is known which there are.
    pub(super) fn take_splits(&mut self) -> crate::Result<bool> {
        while !self.exhausted {
            let site = self.site.clone();
            let guard = site.guard();
            let opened = self.next_split();
            guard.disarm();
            let Some((reader, waits)) = opened? else { return Ok(false) };
            let mut news = Vec::new();
            let mut split = 0;
            if let Some(origin) = &mut self.origin {
                if waits && !std::mem::replace(&mut origin.waits, waits) && !self.source.in_time_order() {
                    news.push((origin.waiting, SplitNews::Opens));
                }
                if let Some((_, _, number)) = &reader {
                    split = number.unwrap_or(origin.next);
                    origin.next += u64::from(number.is_none());
                    news.push((split, SplitNews::Opens));
                }
                if !waits && std::mem::replace(&mut origin.waits, waits) {
                    news.push((origin.waiting, SplitNews::Ends));
                }
            }
            news.into_iter().for_each(|(split, news)| self.tell(split, news));
            match reader {
                Some((reader, name, _)) => self.readers.push(Open {
                    reader,
                    name,
                    split,
                    taken: 0,
                    silent: false,
                    rests: false,
                    promised: None,
                    due: None,
                }),
                None => break,
            }
        }
        self.exhausted = self.readers.is_empty() && self.nothing_comes()?;
        let rests = self.readers.is_empty() && !self.exhausted;
        if rests != std::mem::replace(&mut self.rests, rests)
            && let Some(nothing) = self.origin.as_ref().map(|origin| origin.nothing())
        {
            let news = if rests { [SplitNews::Opens, SplitNews::Rests].as_slice() } else { &[SplitNews::Ends] };
            news.iter().for_each(|news| self.tell(nothing, *news));
        }
        self.let_time_go_on();
        Ok(true)
    }
    /// Who reads which split changes at this barrier: nothing can be promised until all that moves is read again.
    pub(super) fn hold_time(&mut self, interval: u64) {
        let Some(cut) = self.changes.as_ref().and_then(|changes| changes.at(interval)) else { return };
        if let Some(held) = self.origin.as_ref().map(|origin| origin.held()) {
            self.holds = Some(cut.change.new.version());
            self.tell(held, SplitNews::Holds);
        }
    }
    fn let_time_go_on(&mut self) {
        let (Some(version), Some(origin)) = (self.holds, &self.origin) else { return };
        let held = origin.held();
        if Links::have_moved::<Waiting<S>>(&self.fabric, self.number, version) {
            self.holds = None;
            self.tell(held, SplitNews::Ends);
            self.fabric.wake_all();
        }
    }
    /// Whether no split will come any more. Where others may leave, none of this worker's may be the next one of it as long as there
    /// are any.
    fn nothing_comes(&self) -> crate::Result<bool> {
        Ok(self.changes.is_none() || Links::all_ended::<Waiting<S>>(&self.fabric, self.number)?)
    }
    /// Gives those splits back that others are to read behind this barrier: all of them if this worker leaves, and otherwise those
    /// beyond its new share.
    pub(super) fn give_splits_back(&mut self, cut: &Cut) {
        self.version = cut.change.new.version();
        let joins = self.changes.as_ref().is_some_and(|changes| changes.joins().is_some());
        let joins = joins.then(|| self.source.side_by_side());
        let reads = (self.worker, self.readers.len());
        let keeps = Links::keeps::<Waiting<S>>(&self.fabric, self.number, cut, reads, joins);
        let mut given: Vec<Waiting<S>> = Vec::new();
        for open in self.readers.split_off(keeps) {
            let Open { reader, name, split, .. } = open;
            let guard = self.site.guard();
            let position = reader.position();
            guard.disarm();
            match Self::split_of(&name, &position) {
                Ok((same, written)) => {
                    // Until another worker has opened it, this one goes on writing where it is.
                    let place = Place::Given(cut.change.new.version(), written);
                    self.saved.0.insert(name.clone(), (split, place));
                    given.push(Waiting { split: same, name, resume: Some((split, position)) });
                }
                Err(error) => self.site.fail(error.in_connector(&self.site.id)),
            }
            self.tell(split, SplitNews::Moves);
        }
        if let Some(origin) = self.origin.as_mut().filter(|_| !given.is_empty()) {
            origin.current = origin.waiting;
        }
        if !cut.change.new.has(self.worker) {
            self.needs_no_start();
        }
        if cut.change.old.has(self.worker)
            && let Err(error) = Links::give_back(&self.fabric, self.number, given)
        {
            self.site.fail(error.in_connector(&self.site.id));
        }
    }
    /// This worker leaves before it has said what it reads first: the others need not wait for that.
    fn needs_no_start(&mut self) {
        let waited_for = |origin: &&mut Origin| matches!(origin.start, Start::Not | Start::Passes(_));
        let Some(origin) = self.origin.as_mut().filter(waited_for) else { return };
        origin.start = Start::Done;
        if let Err(error) = Links::arrive::<Waiting<S>>(&self.fabric, self.number) {
            self.site.fail(error.in_connector(&self.site.id));
        }
    }
    /// The split of this name, and its position as it is written.
    fn split_of(name: &[u8], position: &S::Position) -> crate::Result<(S::Split, Vec<u8>)> {
        let split = S::Split::decode(name).map_err(Error::custom)?;
        let mut written = Vec::new();
        position.encode(&mut written).map_err(Error::custom)?;
        Ok((split, written))
    }
    /// Opens the next split, if there is one for this worker: with its name in snapshots, and the number that it had. Also
    /// says whether others wait. `None` if it is not known yet which there are.
    #[allow(clippy::type_complexity)]
    fn next_split(&mut self) -> crate::Result<Option<(Option<(S::Reader, Vec<u8>, Option<u64>)>, bool)>> {
        let reads = (self.readers.len(), self.version);
        let SourceSegment { source, restored, tracks, .. } = self;
        let list = |known: Option<Bytes>| {
            let listed = match known {
                Some(known) => saved::read_list::<S>(&known)?,
                None => source.splits()?,
            };
            let all = saved::write_list::<S>(&listed)?;
            let waiting = restored.waiting::<S>(listed, *tracks)?;
            Ok(Listed { waiting, most: source.side_by_side(), all })
        };
        let next = Links::next_split::<Waiting<S>>(&self.fabric, self.number, reads, list)?;
        let (next, waits) = match next {
            Next::Unlisted => return Ok(None),
            Next::Split(next, waits) => (next, waits),
        };
        let Some(Waiting { split, name, resume }) = next else { return Ok(Some((None, waits))) };
        let (number, position) = resume.unzip();
        Ok(Some((Some((self.source.open(split, position)?, name, number)), waits)))
    }
    /// Tells those downstream that what follows comes from this split.
    pub(super) fn turn_to(&mut self, at: usize) {
        let split = self.readers[at].split;
        if self.origin.as_mut().is_some_and(|origin| std::mem::replace(&mut origin.current, split) != split) {
            self.tell(split, SplitNews::Reads);
        }
    }
    /// Tells those downstream what a split says of its times after it was read.
    pub(super) fn report(&mut self, at: usize, emitted: u64, read: &Read) {
        if self.origin.is_none() {
            return;
        }
        let open = &mut self.readers[at];
        open.taken += emitted;
        let promised = open.reader.watermark().filter(|time| open.promised.is_none_or(|last| *time > last));
        open.promised = promised.or(open.promised);
        let silent = matches!(read, Read::After(_)) && emitted == 0;
        let fell_silent = silent && !std::mem::replace(&mut open.silent, silent);
        open.silent = silent;
        // It may take a reader a while to find out that it is idle.
        let rests = silent && !open.rests && open.reader.idle();
        open.rests = silent && (open.rests || rests);
        let split = open.split;
        if let Some(time) = promised {
            self.tell(split, SplitNews::Promises(time));
        }
        if rests {
            self.tell(split, SplitNews::Rests);
        } else if fell_silent {
            self.tell(split, SplitNews::Silent);
        }
    }
}
