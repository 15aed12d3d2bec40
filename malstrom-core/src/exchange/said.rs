//! What the sending end of an exchange has said of splits: those who join hear it again. Time is promised anew by those who promise it.
use crate::stream::signal::{Signal, SplitNews};

/// What was last said.
#[derive(Debug, Default)]
pub(super) struct Said {
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
            Signal::Split(split, news) => {
                let at = self.splits.iter().position(|(known, _)| *known == split);
                match (news, at) {
                    (SplitNews::Opens, None) => self.splits.push((split, None)),
                    (SplitNews::Holds, None) => self.splits.push((split, Some(news))),
                    (SplitNews::Opens | SplitNews::Holds | SplitNews::Silent, _) => {}
                    (SplitNews::Reads, _) => self.reads = Some(split),
                    (SplitNews::Promises(_) | SplitNews::Rests, Some(at)) => self.splits[at].1 = Some(news),
                    (SplitNews::Promises(_) | SplitNews::Rests, None) => {}
                    (SplitNews::Ends | SplitNews::Moves, at) => {
                        at.map(|at| self.splits.remove(at));
                        self.reads = self.reads.filter(|reads| *reads != split);
                    }
                }
                return news != SplitNews::Moves;
            }
            Signal::Time(_) | Signal::Barrier(_) | Signal::End(_) => {}
        }
        true
    }
    /// What is to be said to who joins.
    pub(super) fn again(&self) -> impl Iterator<Item = Signal> + '_ {
        let splits = self.splits.iter().flat_map(|(split, last)| {
            let opens = Signal::Split(*split, SplitNews::Opens);
            std::iter::once(opens).chain(last.map(|news| Signal::Split(*split, news)))
        });
        splits.chain(self.reads.map(|split| Signal::Split(split, SplitNews::Reads)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::signal::Mark;

    #[test]
    fn who_joins_hears_of_all_splits() {
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
            split(4, SplitNews::Holds),
            Signal::Time(Mark::At(4)),
        ] {
            assert!(said.note(signal));
        }
        assert!(!said.note(split(3, SplitNews::Moves)), "who reads on says so itself");
        let all = [
            split(2, SplitNews::Opens),
            split(2, SplitNews::Promises(7)),
            split(4, SplitNews::Opens),
            split(4, SplitNews::Holds),
            split(2, SplitNews::Reads),
        ];
        assert_eq!(said.again().collect::<Vec<_>>(), all);
    }
}
