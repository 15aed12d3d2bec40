//! Which units of a table have changed.
//!
//! A unit is what has the same rank of its group and the same bits behind it, as many as make it about a dozen slots. So it
//! is a range of slots, and stays one when the table grows and units are halved. It is read whole for one entry in it that has changed: with
//! four times as many slots, a barrier between whose like one entry in two hundred changes took about twice as long.
/// The fewest slots of a unit, unless it is a whole group.
const SLOTS: usize = 8;

/// How many bits behind the rank of a group name a unit, in a table of so many slots for so many groups, of whose tags so many
/// bits are behind the group.
pub(super) fn bits(slots: usize, owned: u16, within: u32) -> u32 {
    let units = slots / usize::from(owned.max(1)) / SLOTS;
    units.checked_ilog2().unwrap_or(0).min(within)
}

/// One bit per unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Vec<u64>);
impl Marks {
    /// None of so many units.
    pub(super) fn none(units: usize) -> Self {
        Marks(vec![0; units.div_ceil(64)])
    }
    #[inline]
    pub(super) fn set(&mut self, unit: usize) {
        if let Some(word) = self.0.get_mut(unit / 64) {
            *word |= 1 << (unit % 64);
        }
    }
    /// The first marked unit from `from` on, before `to`.
    #[inline]
    pub(super) fn next(&self, from: usize, to: usize) -> Option<usize> {
        let (mut at, mut skip) = (from / 64, from % 64);
        while at * 64 < to {
            let word = *self.0.get(at)? >> skip << skip;
            if word != 0 {
                return Some(at * 64 + word.trailing_zeros() as usize).filter(|unit| *unit < to);
            }
            (at, skip) = (at + 1, 0);
        }
        None
    }
    /// The marked units, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.0.len() * 64;
        std::iter::successors(self.next(0, all), move |unit| self.next(unit + 1, all))
    }
    /// Marks what is marked in `other`, which is of the same units.
    pub(super) fn merge(&mut self, other: &Marks) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
    /// Each unit is cut into so many halves and halves of halves, of which there are `units`.
    pub(super) fn halve(&mut self, times: u32, units: usize) {
        if times == 0 {
            return;
        }
        let old = std::mem::replace(self, Marks::none(units));
        for unit in old.iter() {
            (unit << times..(unit + 1) << times).for_each(|half| self.set(half));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn marks_are_a_set_of_units(
            units in prop::collection::btree_set(0usize..300, 0..60),
            others in prop::collection::btree_set(0usize..300, 0..60),
            from in 0usize..320,
            to in 0usize..320,
            times in 0u32..4,
        ) {
            let of = |units: &BTreeSet<usize>| {
                let mut marks = Marks::none(300);
                units.iter().for_each(|unit| marks.set(*unit));
                marks
            };
            let mut marks = of(&units);
            prop_assert_eq!(marks.next(from, to), units.iter().copied().find(|unit| (from..to).contains(unit)));
            marks.merge(&of(&others));
            marks.halve(times, 300 << times);
            let all: BTreeSet<usize> = units.union(&others).copied().collect();
            for unit in 0..300 << times {
                prop_assert_eq!(marks.next(unit, unit + 1).is_some(), all.contains(&(unit >> times)));
            }
        }
    }

    #[test]
    fn units_have_about_a_dozen_slots() {
        assert_eq!([16, 4096 * 15, 4096 * 16].map(|slots| bits(slots, 4096, 20)), [0, 0, 1]);
        for slots in [1 << 20, 3 << 22, 1 << 24] {
            let unit = (slots / 4096) >> bits(slots, 4096, 20);
            assert!((SLOTS..2 * SLOTS).contains(&unit), "{unit}");
        }
    }
}
