//! The timers of one operator on one worker, in the order in which they fire.
mod saved;

pub(crate) use saved::{parts_of, time_of};

use crate::contract::key::KeyGroups;
use crate::contract::record::CodecError;
use saved::Track;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Timers that wait for their time. Of one key, the same timer for the same time exists once; timers are the same if
/// their bytes are.
///
/// ```
/// use malstrom_core::state::timers::TimerQueue;
/// let encode = |timer: &String, out: &mut Vec<u8>| {
///     out.extend_from_slice(timer.as_bytes());
///     Ok(())
/// };
/// let mut timers = TimerQueue::<u64, String>::default();
/// timers.set(20, 1, &7, "b".into(), encode);
/// timers.set(10, 1, &7, "a".into(), encode);
/// timers.set(10, 1, &7, "a".into(), encode);
/// assert_eq!(timers.pop(15).map(|due| (due.time, due.timer)), Some((10, "a".to_owned())));
/// assert!(timers.pop(15).is_none());
/// assert_eq!(timers.next(), Some(20));
/// ```
pub struct TimerQueue<K, X> {
    waiting: BTreeMap<Place, Waiting<K, X>>,
    /// Where a timer of this time and print waits.
    places: HashMap<(i64, u64), Place>,
    next: u64,
    generation: u32,
    key_groups: KeyGroups,
    bytes: (Vec<u8>, Vec<u8>),
    /// What has changed, if that is to be known.
    track: Option<Box<Track<K, X>>>,
}
/// By time, then in the order in which they were set. Numbers are those of the worker where they were set, which owned the
/// group then, so that timers of several workers are told apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: i64,
    number: u64,
    group: u16,
}
struct Waiting<K, X> {
    print: u64,
    hash: u64,
    key: K,
    timer: X,
    generation: u32,
}
/// A timer that fires.
#[derive(Debug)]
pub struct Due<K, X> {
    /// When it was to fire, in ticks.
    pub time: i64,
    /// The hash of its key.
    pub hash: u64,
    /// The key that it was set for.
    pub key: K,
    /// What it holds.
    pub timer: X,
    /// What [`set_generation`](TimerQueue::set_generation) said when it was set.
    pub generation: u32,
}

impl<K, X> Default for TimerQueue<K, X> {
    fn default() -> Self {
        TimerQueue {
            waiting: BTreeMap::new(),
            places: HashMap::new(),
            next: 0,
            generation: 0,
            key_groups: KeyGroups::DEFAULT,
            bytes: Default::default(),
            track: None,
        }
    }
}
impl<K, X> fmt::Debug for TimerQueue<K, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerQueue").field("len", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Writes a timer, which may fail.
pub type Encode<X> = fn(&X, &mut Vec<u8>) -> Result<(), CodecError>;

impl<K: Eq + Clone, X> TimerQueue<K, X> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
    /// When the next one fires.
    pub fn next(&self) -> Option<i64> {
        self.waiting.first_key_value().map(|(place, _)| place.time)
    }
    /// Timers that are set from now on belong to this generation.
    pub fn set_generation(&mut self, generation: u32) {
        self.generation = generation;
    }
    /// Has `timer` fire at `time`.
    pub fn set(&mut self, time: i64, hash: u64, key: &K, timer: X, encode: Encode<X>) {
        let (print, place) = self.find(time, hash, key, &timer, encode);
        if place.is_none() {
            let place = Place { time, number: self.next, group: self.key_groups.of(hash) };
            self.next += 1;
            let waiting = Waiting { print, hash, key: key.clone(), timer, generation: self.generation };
            self.waiting.insert(place, waiting);
            self.places.insert((time, print), place);
        }
    }
    /// Takes a timer back.
    pub fn cancel(&mut self, time: i64, hash: u64, key: &K, timer: &X, encode: Encode<X>) {
        if let (print, Some(place)) = self.find(time, hash, key, timer, encode) {
            self.places.remove(&(time, print));
            if let Some(gone) = self.waiting.remove(&place) {
                self.part_with(place, &gone);
            }
        }
    }
    /// The next timer that fires at `now` or before.
    pub fn pop(&mut self, now: i64) -> Option<Due<K, X>> {
        let first = self.waiting.first_entry().filter(|first| first.key().time <= now)?;
        let (place, gone) = first.remove_entry();
        let time = place.time;
        self.places.remove(&(time, gone.print));
        self.part_with(place, &gone);
        let Waiting { hash, key, timer, generation, .. } = gone;
        Some(Due { time, hash, key, timer, generation })
    }
    /// A timer has left.
    #[inline]
    fn part_with(&mut self, place: Place, gone: &Waiting<K, X>) {
        if let Some(track) = &mut self.track {
            track.part_with(place, gone);
        }
    }
    /// The print of a timer, and where it waits, if it does.
    fn find(&mut self, time: i64, hash: u64, key: &K, timer: &X, encode: Encode<X>) -> (u64, Option<Place>) {
        let (mine, other) = &mut self.bytes;
        mine.clear();
        // One that cannot be written cannot be told from others.
        let written = encode(timer, mine).is_ok();
        let mut print = if written { xxh3_64_with_seed(mine, hash) } else { self.next };
        while let Some(place) = self.places.get(&(time, print)) {
            if let Some(waiting) = self.waiting.get(place) {
                other.clear();
                if written && waiting.key == *key && encode(&waiting.timer, other).is_ok() && mine == other {
                    return (print, Some(*place));
                }
            }
            print = print.wrapping_add(1);
        }
        (print, None)
    }
}

#[cfg(test)]
mod tests {
    use super::TimerQueue;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn timers_fire_as_a_sorted_list_says(
            asked in proptest::collection::vec((0i64..20, 0u64..4, 0u8..3, any::<bool>()), 0..200),
            now in 0i64..25,
        ) {
            let mut timers = TimerQueue::<u64, u8>::default();
            let mut oracle: Vec<(i64, u64, u8)> = Vec::new();
            for (time, key, timer, set) in asked {
                let known = oracle.iter().position(|other| *other == (time, key, timer));
                match (set, known) {
                    (true, None) => oracle.push((time, key, timer)),
                    (false, Some(at)) => drop(oracle.remove(at)),
                    _ => {}
                }
                let encode = |timer: &u8, out: &mut Vec<u8>| {
                    out.push(*timer);
                    Ok(())
                };
                if set {
                    timers.set(time, key, &key, timer, encode);
                } else {
                    timers.cancel(time, key, &key, &timer, encode);
                }
            }
            oracle.sort_by_key(|(time, ..)| *time);
            let fired: Vec<_> = std::iter::from_fn(|| timers.pop(now)).map(|due| (due.time, due.key, due.timer)).collect();
            let due: Vec<_> = oracle.iter().copied().filter(|(time, ..)| *time <= now).collect();
            prop_assert_eq!(&fired, &due);
            prop_assert_eq!(timers.len(), oracle.len() - due.len());
        }
    }
}
