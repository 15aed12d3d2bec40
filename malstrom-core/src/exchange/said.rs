//! What the sending end of an exchange has said of time and of splits: those who join hear it again.
use crate::stream::signal::{Mark, Signal, SplitNews};

/// What was last said.
#[derive(Debug, Default)]
pub(super) struct Said {
    time: Option<Mark>,
    /// The splits that are open, with what was last said of their times.
    splits: Vec<(u64, Option<SplitNews>)>,
    /// The one that is being read.
    reads: Option<u64>,
}
impl Said {
    /// Takes note of a signal. Whether it is for those at the other ends: that another worker goes on reading a split is not, since they
    /// go on receiving it.
    pub(super) fn note(&mut self, signal: Signal) -> bool {
        match signal {
            Signal::Time(mark) => self.time = Some(mark),
            Signal::Split(split, news) => {
                let at = self.splits.iter().position(|(known, _)| *known == split);
                match (news, at) {
                    (SplitNews::Opens, None) => self.splits.push((split, None)),
                    (SplitNews::Opens | SplitNews::Silent, _) => {}
                    (SplitNews::Reads, _) => self.reads = Some(split),
                    (SplitNews::Promises(_) | SplitNews::Rests, Some(at)) => self.splits[at].1 = Some(news),
                    (SplitNews::Promises(_) | SplitNews::Rests, None) => {}
                    (SplitNews::Ends | SplitNews::Moves, at) => {
                        at.map(|at| self.splits.swap_remove(at));
                        self.reads = self.reads.filter(|reads| *reads != split);
                    }
                }
                return news != SplitNews::Moves;
            }
            Signal::Barrier(_) | Signal::End(_) => {}
        }
        true
    }
    /// What is to be said again behind a barrier that changes who takes part: of time to all, and of splits to who joins.
    pub(super) fn again(&self, joins: bool) -> impl Iterator<Item = Signal> + '_ {
        let splits = self.splits.iter().filter(move |_| joins).flat_map(|(split, last)| {
            let opens = Signal::Split(*split, SplitNews::Opens);
            std::iter::once(opens).chain(last.map(|news| Signal::Split(*split, news)))
        });
        let reads = self.reads.filter(|_| joins).map(|split| Signal::Split(split, SplitNews::Reads));
        splits.chain(reads).chain(self.time.map(Signal::Time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_joins_hears_of_all_splits_and_the_others_of_time_only() {
        let mut said = Said::default();
        let split = Signal::Split;
        for signal in [
            split(1, SplitNews::Opens),
            split(2, SplitNews::Opens),
            split(3, SplitNews::Opens),
            split(2, SplitNews::Promises(5)),
            split(2, SplitNews::Promises(7)),
            split(2, SplitNews::Reads),
            split(1, SplitNews::Ends),
            Signal::Time(Mark::At(4)),
        ] {
            assert!(said.note(signal));
        }
        assert!(!said.note(split(3, SplitNews::Moves)), "who reads on says so itself");
        assert_eq!(said.again(false).collect::<Vec<_>>(), [Signal::Time(Mark::At(4))]);
        let all = [
            split(2, SplitNews::Opens),
            split(2, SplitNews::Promises(7)),
            split(2, SplitNews::Reads),
            Signal::Time(Mark::At(4)),
        ];
        assert_eq!(said.again(true).collect::<Vec<_>>(), all);
    }
}
