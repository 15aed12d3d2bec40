//! Key groups move between the processes that there are, when some have more to do than others.
use super::Leader;
use crate::error::Result;
use crate::runtime::attempt::Moved;
use crate::runtime::cluster::words::Samples;
use std::sync::mpsc::Sender;

/// How many samples there were of each of so many key groups; `None` if some are of others, or groups are named twice.
fn dense(groups: usize, samples: &Samples) -> Option<Vec<u64>> {
    let mut all = vec![0; groups];
    let ascends = samples.is_sorted_by(|(one, _), (next, _)| one < next);
    for (group, count) in samples {
        *all.get_mut(usize::from(*group))? = u64::from(*count);
    }
    ascends.then_some(all)
}
impl Leader {
    /// A process says of which key groups there were samples.
    pub(super) fn sent(&mut self, process: u32, attempt: u64, samples: Samples) {
        if attempt != self.coordinator.attempt() {
            return;
        }
        match dense(self.coordinator.layout().groups(), &samples) {
            Some(samples) => self.balancing.note(&samples),
            None => tracing::warn!(process, "a process tells of key groups that there are not"),
        }
    }
    /// Looks at what the workers have to do, if it is time for that.
    pub(super) fn look_at_loads(&mut self) {
        let now = self.outside.now();
        if self.coordinator.can_move() {
            self.scalers.rests();
        }
        if self.balancing.due() > now {
            return;
        }
        if let Some(event) = self.balancing.look(now, &self.coordinator) {
            self.on(event);
        }
    }
    /// Somebody wants all workers to have as much to do as each other.
    pub(super) fn rebalance(&mut self, reply: Sender<Result<Moved>>) {
        let now = self.outside.now();
        if let Some(event) = self.balancing.ask(now, &self.coordinator, &mut self.scalers, reply) {
            self.on(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_samples_of_groups_that_there_are_count() {
        assert_eq!(dense(4, &vec![]), Some(vec![0; 4]));
        assert_eq!(dense(4, &vec![(1, 7), (3, u32::MAX)]), Some(vec![0, 7, 0, u64::from(u32::MAX)]));
        for wrong in [vec![(4, 1)], vec![(1, 1), (1, 1)], vec![(2, 1), (1, 1)]] {
            assert_eq!(dense(4, &wrong), None, "{wrong:?}");
        }
    }
}
