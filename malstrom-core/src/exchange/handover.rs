//! How key groups change their owner while records flow.
//!
//! A group moves at a barrier that carries a [`Change`]. Whoever has it seals it when the barrier has come from all senders, so that its
//! state is that of all records before the barrier, and ships it. Whoever gets it expects it from the same barrier on: records of
//! the group wait until the state is there, everything else goes on. State may arrive before the barrier has come from all senders; it
//! is kept until then.
//!
//! While a group is awaited, the time that is shown downstream stands still: otherwise a watermark would overtake the records that
//! wait. [`is_settled`](Handover::is_settled) says when it may go on.
//!
//! This is a state machine for one exchange of one worker. It knows neither what records nor what states are.
use super::layout::Change;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// What must not happen. The attempt cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandoverError {
    /// A record of a group that is somebody else's.
    #[error(
        "worker {here} gets a record of key group {group}, which it does not own: its sender has another route table. The attempt is to be restored"
    )]
    Foreign {
        /// The group.
        group: usize,
        /// Who got it.
        here: usize,
    },
    /// The state of a group that nobody has asked for.
    #[error(
        "worker {here} gets the state of key group {group} at barrier {interval}, which it does not wait for. The attempt is to be restored"
    )]
    Unasked {
        /// The group.
        group: usize,
        /// The barrier that it moves at.
        interval: u64,
        /// Who got it.
        here: usize,
    },
    /// A barrier with a change has passed before all groups of the change before it had arrived.
    #[error(
        "barrier {interval} changes the layout while {waiting} key groups are still awaited. The attempt is to be restored"
    )]
    Unsettled {
        /// The interval that it ends.
        interval: u64,
        /// How many are awaited.
        waiting: usize,
    },
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<R, S> {
    /// The state of a group is sealed, and goes to its new owner.
    Ship {
        /// The group.
        group: usize,
        /// Who gets it.
        to: usize,
        /// The snapshot whose state of it that worker has. `None` if it has nothing.
        base: Option<u64>,
    },
    /// The state of a group is taken in.
    Install {
        /// The group.
        group: usize,
        /// What came.
        state: S,
    },
    /// A record that has waited is processed.
    Apply(R),
}

/// Which groups one worker has, and which it waits for.
#[derive(Clone, Debug)]
pub struct Handover<R, S> {
    here: usize,
    owned: Vec<bool>,
    /// The barrier that the awaited groups move at.
    cut: u64,
    pending: BTreeMap<usize, Vec<R>>,
    /// What came before its barrier: at which, of which group.
    early: BTreeMap<(u64, usize), S>,
}
impl<R, S> Handover<R, S> {
    /// Worker `here`, which owns these of `groups` groups, in the interval behind barrier `cut`.
    pub fn new(here: usize, groups: usize, owned: impl IntoIterator<Item = usize>, cut: u64) -> Self {
        let mut owns = vec![false; groups];
        for group in owned {
            if let Some(owns) = owns.get_mut(group) {
                *owns = true;
            }
        }
        Handover { here, owned: owns, cut, pending: BTreeMap::new(), early: BTreeMap::new() }
    }
    /// Whether all groups that this worker gained have arrived. As long as they have not, time must not go on downstream, and no
    /// other change may begin.
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }
    /// How many records wait.
    pub fn waiting(&self) -> usize {
        self.pending.values().map(Vec::len).sum()
    }
    /// A barrier that changes the layout has come from all senders.
    ///
    /// # Errors
    /// If the change before it is not done.
    pub fn cut(&mut self, interval: u64, change: &Arc<Change>) -> Result<Vec<Step<R, S>>, HandoverError> {
        if !self.is_settled() {
            return Err(HandoverError::Unsettled { interval, waiting: self.pending.len() });
        }
        self.cut = interval;
        let mut steps = Vec::new();
        for moved in change.groups() {
            if moved.from == self.here {
                self.owned[moved.what] = false;
                let base = change.bases.get(&moved.to).copied();
                steps.push(Step::Ship { group: moved.what, to: moved.to, base });
            } else if moved.to == self.here {
                self.owned[moved.what] = true;
                match self.early.remove(&(interval, moved.what)) {
                    Some(state) => steps.push(Step::Install { group: moved.what, state }),
                    None => drop(self.pending.insert(moved.what, Vec::new())),
                }
            }
        }
        Ok(steps)
    }
    /// The state of a group has arrived, as it was sealed at this barrier.
    ///
    /// # Errors
    /// If it is not waited for.
    pub fn arrived(&mut self, interval: u64, group: usize, state: S) -> Result<Vec<Step<R, S>>, HandoverError> {
        if interval > self.cut {
            self.early.insert((interval, group), state);
            return Ok(Vec::new());
        }
        let records = self.pending.remove(&group).filter(|_| interval == self.cut);
        let records = records.ok_or(HandoverError::Unasked { group, interval, here: self.here })?;
        let install = Step::Install { group, state };
        Ok(std::iter::once(install).chain(records.into_iter().map(Step::Apply)).collect())
    }
    /// A record has come. It is given back if it can be processed now, and waits otherwise.
    ///
    /// # Errors
    /// If its group is somebody else's.
    pub fn record(&mut self, group: usize, record: R) -> Result<Option<R>, HandoverError> {
        if let Some(waiting) = self.pending.get_mut(&group) {
            waiting.push(record);
            return Ok(None);
        }
        if self.owned.get(group).copied().unwrap_or(false) {
            return Ok(Some(record));
        }
        Err(HandoverError::Foreign { group, here: self.here })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::layout::Layout;

    fn change() -> Arc<Change> {
        let old = Arc::new(Layout::even(&[0, 1], 4, 0));
        Arc::new(Change { new: Arc::new(old.moved(&[(0, 1), (1, 1)], &[])), old, bases: BTreeMap::from([(1, 6)]) })
    }
    #[test]
    fn records_wait_for_the_state_and_follow_it_in_order() {
        let mut handover = Handover::new(1, 4, [2, 3], 0);
        assert_eq!(handover.record(2, 'a'), Ok(Some('a')));
        assert_eq!(handover.record(0, 'b'), Err(HandoverError::Foreign { group: 0, here: 1 }));
        assert_eq!(handover.arrived(7, 1, "early"), Ok(vec![]));
        assert_eq!(handover.cut(7, &change()), Ok(vec![Step::Install { group: 1, state: "early" }]));
        assert_eq!(handover.record(0, 'c'), Ok(None));
        assert_eq!(handover.record(1, 'd'), Ok(Some('d')), "its state is there");
        assert_eq!(handover.record(0, 'e'), Ok(None));
        assert_eq!((handover.is_settled(), handover.waiting()), (false, 2));
        assert_eq!(handover.cut(8, &change()), Err(HandoverError::Unsettled { interval: 8, waiting: 1 }));
        let steps = vec![Step::Install { group: 0, state: "late" }, Step::Apply('c'), Step::Apply('e')];
        assert_eq!(handover.arrived(7, 0, "late"), Ok(steps));
        assert!(handover.is_settled());
        assert_eq!(handover.arrived(7, 0, "twice"), Err(HandoverError::Unasked { group: 0, interval: 7, here: 1 }));
    }
    #[test]
    fn who_gives_a_group_away_has_it_no_more() {
        let mut handover = Handover::<_, ()>::new(0, 4, [0, 1], 0);
        let ship = |group| Step::Ship { group, to: 1, base: Some(6) };
        assert_eq!(handover.cut(7, &change()), Ok(vec![ship(0), ship(1)]));
        assert_eq!(handover.record(0, 'a'), Err(HandoverError::Foreign { group: 0, here: 0 }));
        assert!(handover.is_settled());
    }
}
