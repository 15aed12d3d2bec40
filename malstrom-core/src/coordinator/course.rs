//! How many key groups move at one barrier.
//!
//! Records of all groups of a worker wait while some of them move. So a change of the layout is made in steps, each of which moves so many
//! groups that what they hold is written, sent and taken in in a short time. What they hold is known about from the newest snapshot, and
//! seen at the steps before; where neither says anything, the first one moves very few. Bytes are the measure and not the time that a
//! step took, for that has the pace of messages and of the storage in it, which does not get better by moving less.
//!
//! What has waited is caught up with before the next step: that begins when as much time has passed since this one as records waited for
//! it. So half of the time at least is theirs, and what waits does not grow from step to step.
use std::time::Duration;

/// The first step moves one group of so many, if it is not known what they hold.
const FIRST: usize = 1024;
/// Nobody waits longer than this for what has waited, however long that did.
const REST: Duration = Duration::from_millis(200);
/// A step moves so many times as many groups as the one before, at most: they need not all hold the same.
const GROWTH: usize = 16;

/// A change of the layout that is made step by step.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// When it was wanted.
    pub(super) since: Duration,
    /// How many workers there were before, and how many splits move.
    pub(super) before: usize,
    pub(super) splits: usize,
    /// How many groups move, and how many have.
    pub(super) groups: usize,
    pub(super) arrived: usize,
    /// And the bytes that those were; about how many all of them were said to be.
    bytes: u64,
    held: Option<u64>,
    /// How many groups the next step moves, and about how many bytes a step may.
    most: usize,
    wave: u64,
    /// The next step does not begin before.
    rests: Duration,
}
impl Course {
    /// `held` is about what all groups hold that move, if that is known.
    pub(super) fn new(
        since: Duration,
        (before, splits): (usize, usize),
        (groups, held): (usize, Option<u64>),
        wave: u64,
    ) -> Self {
        let most = match held {
            _ if wave == u64::MAX => groups,
            Some(held) => fitting(wave, groups, held),
            None => groups.div_ceil(FIRST),
        };
        Course {
            since,
            before,
            splits,
            groups,
            arrived: 0,
            bytes: 0,
            held,
            most: most.max(1),
            wave,
            rests: Duration::ZERO,
        }
    }
    /// How many groups the next step moves.
    pub(super) fn most(&self) -> usize {
        self.most
    }
    /// How many bytes have moved.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    /// About how many bytes all groups hold that move, if anything is known of that: what has moved says more than what was said before.
    pub(super) fn holds(&self) -> Option<u64> {
        let all = |arrived| u128::from(self.bytes) * self.groups as u128 / arrived as u128;
        if self.arrived == 0 { self.held } else { u64::try_from(all(self.arrived)).ok() }
    }
    /// When the next step may begin.
    pub(super) fn rests(&self) -> Duration {
        self.rests
    }
    /// A step was made, and records waited for it from then to then, at the longest.
    pub(super) fn waited(&mut self, from: Duration, to: Duration) {
        self.rests = to.saturating_add(to.saturating_sub(from).min(REST));
    }
    /// A step moved so many groups, which held so much.
    pub(super) fn stepped(&mut self, moved: usize, bytes: u64) {
        (self.arrived, self.bytes) = (self.arrived + moved, self.bytes + bytes);
        self.most = fitting(self.wave, self.arrived, self.bytes).min(moved.saturating_mul(GROWTH)).max(1);
    }
}
/// How many groups hold no more than `wave`, if so many hold so many bytes.
fn fitting(wave: u64, groups: usize, bytes: u64) -> usize {
    let fitting = u128::from(wave) * groups as u128 / u128::from(bytes.max(1));
    usize::try_from(fitting).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What each step of a change moves, where each group holds so much, and this is what is believed.
    fn steps(groups: usize, each: u64, held: Option<u64>, wave: u64) -> Vec<u64> {
        let mut course = Course::new(Duration::ZERO, (1, 0), (groups, held), wave);
        let mut steps = Vec::new();
        while course.arrived < groups {
            let moved = course.most().min(groups - course.arrived);
            course.stepped(moved, each * moved as u64);
            steps.push(each * moved as u64);
        }
        steps
    }

    proptest! {
        /// Whatever a group holds, no step moves more than it should, beyond what it begins with, and steps are not many more than that takes.
        #[test]
        fn steps_are_small_and_few(groups in 1usize..4097, each in 0u64..100_000, wave in 1u64..1 << 20) {
            let all = steps(groups, each, None, wave);
            prop_assert!(*all.iter().max().unwrap() <= wave.max(each * groups.div_ceil(FIRST) as u64));
            let fits = (wave / each.max(1)).max(1) as usize;
            prop_assert!(all.len() <= groups.div_ceil(fits) + 4, "{} steps where {} would do", all.len(), groups.div_ceil(fits));
        }
        /// Who knows what they hold makes no step too many; who believes too much makes a few more.
        #[test]
        fn what_is_known_saves_steps(groups in 1usize..4097, each in 1u64..100_000, wave in 1u64..1 << 20, more in 1u64..9) {
            let held = each * groups as u64;
            let fits = (wave / each).max(1) as usize;
            let all = steps(groups, each, Some(held), wave);
            prop_assert_eq!(all.len(), groups.div_ceil(fits));
            prop_assert!(*all.iter().max().unwrap() <= wave.max(each));
            prop_assert!(steps(groups, each, Some(held * more), wave).len() <= groups.div_ceil(fits) + 3);
        }
    }
    #[test]
    fn what_has_waited_is_caught_up_with() {
        let ms = Duration::from_millis;
        let mut course = Course::new(ms(0), (1, 0), (8, None), 1);
        assert_eq!(course.rests(), ms(0));
        course.waited(ms(100), ms(130));
        assert_eq!(course.rests(), ms(160));
        course.waited(ms(1_000), ms(9_000));
        assert_eq!(course.rests(), ms(9_200));
    }
    #[test]
    fn what_is_small_moves_in_a_few_steps_and_in_one_if_that_is_known() {
        assert_eq!((steps(2048, 10, None, 1 << 20).len(), steps(3, 0, None, 1 << 20).len()), (4, 2));
        assert_eq!((steps(2048, 10, Some(20_480), 1 << 20).len(), steps(3, 0, Some(0), 1 << 20).len()), (1, 1));
    }
    #[test]
    fn all_at_once_if_it_may_be_any_amount() {
        assert_eq!(steps(3000, 1 << 30, Some(1 << 40), u64::MAX).len(), 1);
    }
}
