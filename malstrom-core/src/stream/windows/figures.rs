//! What a stage on windows saves that belongs to no key: how far time had come, and for which key groups.
//!
//! Workers need not all be at the same time when a barrier finds them: one may have heard of an idle input before it heard of
//! another one, and one after. Behind a restore all of them go on from the latest time, and windows that had not closed for
//! the groups of some of them close first of all.
use super::Horizon;
use crate::contract::key::KeyGroups;
use crate::contract::record::CodecError;
use crate::contract::snapshot::GroupSet;
use crate::contract::windows::{Aligned, Times};
use crate::state::table::Ranks;
use std::collections::HashMap;

/// What a worker writes: what its windows are and their lateness, how far time has come as
/// [`Progress::saved`](crate::stream::timing::Progress::saved) says it, the number of the last record where records are
/// numbered, and the first and the last of each run of key groups that it owns.
pub(crate) type Row = (String, i64, (i64, u8), u64, Vec<(u16, u16)>);

/// The groups of a worker as runs.
pub(crate) fn runs(ranks: &Ranks) -> Vec<(u16, u16)> {
    let runs = ranks.groups().chunk_by(|a, b| a + 1 == *b);
    runs.filter_map(|run| Some((*run.first()?, *run.last()?))).collect()
}

/// What the workers had come to when a snapshot was taken.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// By group. None if there is no snapshot.
    times: Vec<i64>,
    /// That of the windows then.
    pub(crate) lateness: i64,
}
impl Reached {
    /// What all workers wrote, of windows that are called `windows`, of key groups that have been halved so often since that there are
    /// so many now.
    pub(crate) fn of(rows: &[Row], windows: &str, halvings: u32, key_groups: KeyGroups) -> Result<Reached, CodecError> {
        let mut reached = Reached::default();
        for (were, lateness, (time, _), _, runs) in rows {
            if were != windows {
                return Err(CodecError::new(format!(
                    "it was of {were} and is of {windows}. Give the stage another id (`as`), or start anew with \
                     `--restore none`"
                )));
            }
            reached.lateness = *lateness;
            reached.times.resize(key_groups.count(), i64::MIN);
            for (first, last) in runs {
                let (first, behind) = (usize::from(*first) << halvings, (usize::from(*last) + 1) << halvings);
                if let Some(times) = reached.times.get_mut(first..behind) {
                    times.fill(*time);
                }
            }
        }
        Ok(reached)
    }
    /// How far time had come for a group; `i64::MIN` if nothing was promised.
    pub(crate) fn horizon(&self, group: u16) -> Horizon {
        Horizon::Watermark(self.times.get(usize::from(group)).copied().unwrap_or(i64::MIN))
    }
}

/// Which windows have closed, those that held nothing too.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// Up to this one, for all groups.
    upto: Option<i128>,
    /// Up to these ones, for groups that had come further when the job was restored.
    ahead: HashMap<u16, i128>,
    key_groups: KeyGroups,
}
impl Closed {
    /// Up to where the groups of this worker had come.
    pub(crate) fn resume<N: Times>(reached: &Reached, windows: &Aligned<N>, ranks: &Ranks) -> Closed {
        let of = |group: &u16| reached.horizon(*group).ended(windows);
        let upto = ranks.groups().iter().map(of).min().flatten();
        let ahead = ranks.groups().iter().filter_map(|group| Some((*group, of(group)?)));
        let ahead = ahead.filter(|(_, ended)| Some(*ended) > upto).collect();
        Closed { upto, ahead, key_groups: ranks.key_groups() }
    }
    /// The same for those of `groups` that come to a worker, which `owned` the others before.
    pub(crate) fn take<N: Times>(&mut self, reached: &Reached, windows: &Aligned<N>, owned: &Ranks, groups: &GroupSet) {
        let before = std::mem::take(self);
        self.key_groups = owned.key_groups();
        let stay = owned.groups().iter().map(|group| (*group, before.ahead.get(group).copied().or(before.upto)));
        let others = groups.iter().filter(|group| owned.groups().binary_search(group).is_err());
        let come = others.map(|group| (group, reached.horizon(group).ended(windows)));
        let all: Vec<(u16, Option<i128>)> = stay.chain(come).collect();
        self.upto = all.iter().map(|(_, ended)| *ended).min().flatten();
        let ahead = all.into_iter().filter_map(|(group, ended)| Some((group, ended?)));
        self.ahead = ahead.filter(|(_, ended)| Some(*ended) > self.upto).collect();
    }
    /// Up to which one all have.
    #[inline]
    pub(crate) fn upto(&self) -> Option<i128> {
        self.upto
    }
    /// All up to this one have closed.
    pub(crate) fn reach(&mut self, window: Option<i128>) {
        if window > self.upto {
            self.upto = window;
            self.ahead.retain(|_, ended| Some(*ended) > window);
        }
    }
    /// Whether a window has closed for a key, before it does for others.
    #[inline(always)]
    pub(crate) fn is_ahead(&self, window: i128, hash: u64) -> bool {
        !self.ahead.is_empty() && self.ahead.get(&self.key_groups.of(hash)).is_some_and(|ended| window <= *ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two workers had come to different times; each half of a group goes on from where the whole one was.
    #[test]
    fn the_halves_of_a_group_have_come_as_far_as_it_had() {
        let row = |time, runs| ("10".to_owned(), 0, (time, 0), 0, runs);
        let rows = [row(70, vec![(0, 9), (4095, 4095)]), row(40, vec![(10, 4094)])];
        for halvings in 0..3 {
            let key_groups = KeyGroups::new(4096 << halvings).unwrap();
            let reached = Reached::of(&rows, "10", halvings, key_groups).unwrap();
            for group in key_groups.all() {
                let time = if matches!(group >> halvings, 0..=9 | 4095) { 70 } else { 40 };
                assert!(matches!(reached.horizon(group), Horizon::Watermark(at) if at == time), "group {group}");
            }
        }
    }
}
