//! When key groups are to move because some workers have more to do than others.
//!
//! Somebody looks every so often at what was sent of each key group since. Where the busiest worker has far more than the others for
//! several looks in a row, and moving groups would help, these move; and then not for a while, whatever is seen. A single group
//! that is more than a worker can do is not moved about: that helps nobody.
use crate::exchange::layout::Layout;
use crate::exchange::loads::likely;
use std::time::Duration;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(10);
/// For so many looks in a row one worker has too much before anything moves.
const LOOKS: u32 = 3;
/// What moves once stays for so long, at least.
const REST: Duration = Duration::from_secs(60);
/// With fewer samples for each worker it is not known who has how much.
const LEAST: u64 = 400;
/// More samples of a group are not counted, so that whatever somebody says there were can be added up.
const MOST: u64 = 1 << 30;

/// What is known of the loads of key groups, and since when one worker has too much.
///
/// ```
/// use malstrom_core::coordinator::Balance;
/// use malstrom_core::exchange::layout::Layout;
/// use std::time::Duration;
/// // Three quarters of all records are of groups that worker 0 has.
/// let layout = Layout::even(&[0, 1], 4, 0);
/// let mut balance = Balance::new(Duration::ZERO);
/// let mut looked = |second| {
///     balance.note(&[30_000, 30_000, 10_000, 10_000]);
///     balance.look(Duration::from_secs(second), &layout)
/// };
/// assert_eq!((looked(10), looked(20)), (None, None));
/// let next = looked(30).map(|next| next.loads(&[3, 3, 1, 1]));
/// assert_eq!(next, Some([(0, 4), (1, 4)].into()));
/// ```
#[derive(Clone, Debug)]
pub struct Balance {
    /// Samples of each group since the last look, and those before, of which each look forgets half.
    fresh: Vec<u64>,
    kept: Vec<u64>,
    /// When it is to be looked at again.
    next: Duration,
    /// For how many looks in a row one worker has had too much.
    looks: u32,
    /// Nothing moves before that.
    rests: Duration,
}
impl Balance {
    /// Nothing is known yet.
    pub fn new(now: Duration) -> Self {
        Balance { fresh: Vec::new(), kept: Vec::new(), next: now + EVERY, looks: 0, rests: Duration::ZERO }
    }
    /// When it is to be looked at again.
    pub fn due(&self) -> Duration {
        self.next
    }
    /// So many more samples are of each group.
    pub fn note(&mut self, samples: &[u64]) {
        add(&mut self.fresh, samples);
    }
    /// What the groups have to do, as far as that is known; they are equal if nothing is.
    pub fn loads(&self) -> Vec<u64> {
        let mut all = self.kept.clone();
        add(&mut all, &self.fresh);
        likely(&all)
    }
    /// Something moves, whoever wants that: nothing else is to for a while.
    pub fn rest(&mut self, now: Duration) {
        (self.looks, self.rests) = (0, now + REST);
    }
    /// Looks at what was sent since the last time. The layout that the workers are to have in place of this one, if one is much better.
    pub fn look(&mut self, now: Duration, layout: &Layout) -> Option<Layout> {
        self.next = now + EVERY;
        let too_much = has_too_much(layout, &self.fresh);
        self.kept.iter_mut().for_each(|count| *count /= 2);
        add(&mut self.kept, &std::mem::take(&mut self.fresh));
        self.looks = if too_much { self.looks + 1 } else { 0 };
        if self.looks < LOOKS || now < self.rests {
            return None;
        }
        let loads = self.loads();
        let next = layout.spread_by_load(layout.members(), &loads);
        // Moving costs something, so it has to be worth it.
        let worth_it = busiest(&next, &loads) * 5 <= busiest(layout, &loads) * 4;
        worth_it.then(|| {
            self.rest(now);
            next
        })
    }
}
fn add(to: &mut Vec<u64>, more: &[u64]) {
    if to.len() < more.len() {
        to.resize(more.len(), 0);
    }
    to.iter_mut().zip(more).for_each(|(all, more)| *all = all.saturating_add(*more).min(MOST));
}
fn busiest(layout: &Layout, loads: &[u64]) -> u64 {
    layout.loads(loads).into_values().max().unwrap_or(0)
}
/// Whether the busiest worker has more than 1.25 times the mean.
fn has_too_much(layout: &Layout, samples: &[u64]) -> bool {
    let workers = layout.members().len() as u64;
    let all: u64 = samples.iter().sum();
    all >= LEAST * workers && busiest(layout, samples) * workers * 4 > all * 5
}

#[cfg(test)]
mod tests;
