//! A source that a test feeds while the job runs.
use super::time_oracle::Ev;
use malstrom::{Emit, Never, Read, Result, Source, SplitReader};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a split does next. As long as nothing is said it waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Emit(Ev),
    /// Has nothing to give for a while.
    Pause(Duration),
    /// Says that nothing will come for a while: others need not wait for it until it emits again.
    Rest,
    /// Promises that nothing at or before this will follow.
    Promise(i64),
    End,
}

/// A source of some splits, each of which does what it is told to. Its clones are one source.
#[derive(Clone, Debug)]
pub struct Feed {
    splits: Arc<Vec<Mutex<VecDeque<Act>>>>,
}
impl Feed {
    pub fn new(splits: usize) -> Feed {
        Feed { splits: Arc::new((0..splits).map(|_| Mutex::default()).collect()) }
    }
    /// A source of splits whose acts are known.
    pub fn scripted(scripts: Vec<Vec<Act>>) -> Feed {
        let feed = Feed::new(scripts.len());
        for (split, acts) in scripts.into_iter().enumerate() {
            feed.act(split, acts);
            feed.act(split, [Act::End]);
        }
        feed
    }
    pub fn act(&self, split: usize, acts: impl IntoIterator<Item = Act>) {
        self.splits[split].lock().unwrap().extend(acts);
    }
    /// Emits records of the key 0 that happened `at`.
    pub fn emit(&self, split: usize, at: impl IntoIterator<Item = i64>) {
        self.act(split, at.into_iter().map(|at| Act::Emit(happened(at))));
    }
    /// The same, and says with the last one that nothing will come for a while.
    pub fn emit_and_rest(&self, split: usize, at: impl IntoIterator<Item = i64>) {
        let acts = at.into_iter().map(|at| Act::Emit(happened(at)));
        self.act(split, acts.chain([Act::Rest]));
    }
    pub fn end(&self) {
        (0..self.splits.len()).for_each(|split| self.act(split, [Act::End]));
    }
}

fn happened(at: i64) -> Ev {
    Ev { key: 0, at, id: at.cast_unsigned(), value: at }
}

pub struct FeedReader {
    feed: Feed,
    split: usize,
    resting: bool,
    promised: Option<i64>,
}
impl Source for Feed {
    type Out = Ev;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = FeedReader;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..self.splits.len() as u64).collect())
    }
    fn open(&mut self, split: u64, _: Option<u64>) -> Result<FeedReader> {
        Ok(FeedReader { feed: self.clone(), split: split as usize, resting: false, promised: None })
    }
}
impl SplitReader for FeedReader {
    type Out = Ev;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, max: usize, out: &mut impl Emit<Ev, Never>) -> Result<Read> {
        let mut acts = self.feed.splits[self.split].lock().unwrap();
        let mut left = max;
        while left > 0 {
            let pauses = matches!(acts.front(), None | Some(Act::Pause(_) | Act::Rest));
            if pauses && left < max {
                return Ok(Read::More);
            }
            match acts.pop_front() {
                Some(Act::Emit(e)) => {
                    self.resting = false;
                    out.emit(e);
                    left -= 1;
                }
                Some(Act::Promise(time)) => {
                    self.promised = Some(time);
                    return Ok(Read::More);
                }
                Some(Act::End) => return Ok(Read::End),
                Some(Act::Pause(pause)) => return Ok(Read::After(pause)),
                Some(Act::Rest) => {
                    self.resting = true;
                    return Ok(Read::After(Duration::ZERO));
                }
                None => return Ok(Read::After(Duration::from_millis(1))),
            }
        }
        Ok(Read::More)
    }
    fn position(&self) -> u64 {
        0
    }
    fn watermark(&self) -> Option<i64> {
        self.promised
    }
    fn idle(&self) -> bool {
        self.resting
    }
}
