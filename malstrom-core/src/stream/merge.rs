//! Watermarks of several inputs become one.
use super::signal::{End, Mark, Signal};

/// What is known of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing yet: it holds time back.
    Unknown,
    At(i64),
    Idle,
    Ended,
}

/// The least watermark of the inputs that are neither idle nor ended. It only ever advances.
#[derive(Debug)]
pub(crate) struct Merge {
    inputs: Vec<Input>,
    last: Option<i64>,
    /// Whether those downstream were told not to wait.
    idle: bool,
    stopped: bool,
    /// The inputs that were stopped: they bring nothing any more, and hold time back.
    silent: Vec<usize>,
    open: usize,
    /// The greatest promise of any input.
    greatest: Option<i64>,
    /// What was promised is to be said again, even if nothing is added to it.
    again: bool,
}
impl Merge {
    pub(crate) fn new(inputs: usize) -> Self {
        Merge {
            inputs: vec![Input::Unknown; inputs],
            last: None,
            idle: false,
            stopped: false,
            silent: Vec::new(),
            open: inputs,
            greatest: None,
            again: false,
        }
    }
    /// Takes in a signal of one input. Returns what it means for all of them together.
    pub(crate) fn take(&mut self, from: usize, signal: Signal) -> Option<Signal> {
        let input = match signal {
            Signal::Split(..) | Signal::Barrier(_) => return Some(signal),
            Signal::Time(Mark::At(time)) => Input::At(time),
            Signal::Time(Mark::Idle(time)) => {
                self.promised(time);
                Input::Idle
            }
            Signal::End(End::Complete) => {
                self.open -= 1;
                Input::Ended
            }
            // There is more of it, which comes when the job is started again: what it has promised holds, and no more.
            Signal::End(End::Stopped) => {
                self.open -= 1;
                self.stopped = true;
                self.silent.push(from);
                return None;
            }
        };
        self.set(from, input).map(Signal::Time)
    }
    fn promised(&mut self, time: i64) {
        if time > i64::MIN {
            self.greatest = self.greatest.max(Some(time));
        }
    }
    /// Sets what is known of one input.
    pub(crate) fn set(&mut self, from: usize, input: Input) -> Option<Mark> {
        self.inputs[from] = input;
        if let Input::At(time) = input {
            self.promised(time);
        }
        let (mut least, mut idle) = (None::<i64>, false);
        for input in &self.inputs {
            match *input {
                Input::Unknown => return None,
                Input::At(time) => least = Some(least.map_or(time, |least| least.min(time))),
                Input::Idle => idle = true,
                Input::Ended => {}
            }
        }
        match least {
            Some(time) if self.last.is_none_or(|last| time > last) => {
                (self.last, self.idle, self.again) = (Some(time), false, false);
                Some(Mark::At(time))
            }
            // Those downstream have forgotten it, and it stands.
            Some(_) if std::mem::take(&mut self.again) => {
                self.idle = false;
                self.last.map(Mark::At)
            }
            // It must be waited for again, but what was promised stands.
            Some(_) if std::mem::take(&mut self.idle) => self.last.map(Mark::At),
            // All have ended: what the last of them promised holds, whichever was the first to end.
            None if self.open == 0 && !self.stopped && (self.greatest > self.last || self.again) => {
                self.again = false;
                self.last = self.last.max(self.greatest);
                self.last.map(Mark::At)
            }
            // Nobody is left who could be slower: the furthest promise of all holds, whoever fell silent first.
            None if idle && (!self.idle || self.greatest > self.last || self.again) => {
                (self.idle, self.again) = (true, false);
                if !self.stopped {
                    self.last = self.last.max(self.greatest);
                }
                Some(Mark::Idle(self.last.unwrap_or(i64::MIN)))
            }
            _ => None,
        }
    }
    /// One more input, of which nothing is known. Returns its number.
    pub(crate) fn add(&mut self) -> usize {
        self.open += 1;
        match self.inputs.iter().position(|input| *input == Input::Ended) {
            Some(free) => {
                self.inputs[free] = Input::Unknown;
                free
            }
            None => {
                self.inputs.push(Input::Unknown);
                self.inputs.len() - 1
            }
        }
    }
    /// Who the inputs are has changed: of those there are, nothing is known. What was promised stands.
    pub(crate) fn restart(&mut self, inputs: usize, is_one: impl Fn(usize) -> bool) {
        let input = |at| if is_one(at) { Input::Unknown } else { Input::Ended };
        self.inputs = (0..inputs).map(input).collect();
        self.open = self.inputs.iter().filter(|input| **input == Input::Unknown).count();
        self.idle = false;
    }
    /// The same, where those that have ended have, and where those downstream forget what they were told.
    pub(crate) fn change(&mut self, inputs: usize, is_one: impl Fn(usize) -> bool) {
        self.again = true;
        let ended: Vec<bool> = self.inputs.iter().map(|input| *input == Input::Ended).collect();
        self.restart(inputs, |at| is_one(at) && !ended.get(at).copied().unwrap_or(false));
        self.silent.retain(|at| is_one(*at));
        self.open -= self.silent.len();
    }
    /// Nothing was promised: the inputs may be behind it from now on.
    pub(crate) fn forget(&mut self) {
        let at = |input: &Input| if let Input::At(time) = input { Some(*time) } else { None };
        (self.last, self.idle, self.again) = (None, false, true);
        self.greatest = self.inputs.iter().filter_map(at).max();
    }
    /// How all inputs have ended, if they have.
    pub(crate) fn ended(&self) -> Option<End> {
        (self.open == 0).then_some(if self.stopped { End::Stopped } else { End::Complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64) -> Signal {
        Signal::Time(Mark::At(time))
    }
    const IDLE: Signal = Signal::Time(Mark::Idle(i64::MIN));
    const END: Signal = Signal::End(End::Complete);

    #[test]
    fn the_slowest_input_sets_the_time_and_time_never_goes_back() {
        let mut merge = Merge::new(2);
        assert_eq!(merge.take(0, at(5)), None, "nothing is known of the other");
        assert_eq!(merge.take(1, at(3)), Some(at(3)));
        assert_eq!(merge.take(1, at(9)), Some(at(5)));
        assert_eq!(merge.take(0, at(5)), None, "it has not advanced");
        assert_eq!(merge.take(0, at(4)), None, "nor may it go back");
    }

    #[test]
    fn idle_and_ended_inputs_hold_nothing_back() {
        let mut merge = Merge::new(3);
        merge.take(0, at(5));
        merge.take(1, IDLE);
        assert_eq!(merge.take(2, END), Some(at(5)));
        assert_eq!(merge.take(0, IDLE), Some(Signal::Time(Mark::Idle(5))));
        assert_eq!(merge.take(1, at(2)), Some(at(5)), "it is waited for again, and what was promised stands");
        assert_eq!(merge.take(1, at(7)), Some(at(7)));
        assert_eq!(merge.take(0, END), None);
        assert_eq!(merge.ended(), None);
        assert_eq!(merge.take(1, Signal::End(End::Stopped)), None, "all that was promised is known");
        assert_eq!(merge.ended(), Some(End::Stopped));
    }

    #[test]
    fn the_last_watermark_does_not_depend_on_who_ends_first() {
        for order in [[0, 1], [1, 0]] {
            let mut merge = Merge::new(2);
            merge.take(0, at(5));
            merge.take(1, at(9));
            let marks: Vec<_> = order.into_iter().filter_map(|from| merge.take(from, END)).collect();
            assert_eq!(marks.last(), Some(&at(9)));
        }
    }

    #[test]
    fn an_input_that_was_stopped_goes_on_later() {
        let stopped = Signal::End(End::Stopped);
        let mut merge = Merge::new(3);
        merge.take(0, at(5));
        merge.take(1, at(9));
        merge.take(2, at(12));
        assert_eq!(merge.take(0, stopped), None);
        assert_eq!(merge.take(1, at(11)), None, "what it was about to bring is behind 5");
        assert_eq!(merge.take(2, END), None);
        assert_eq!(merge.take(1, stopped), None);
        assert_eq!(merge.ended(), Some(End::Stopped));
        let mut silent = Merge::new(2);
        assert_eq!(silent.take(0, stopped), None);
        assert_eq!(silent.take(1, at(3)), None, "of which nothing was known");
    }

    #[test]
    fn an_input_that_was_stopped_is_not_waited_for_when_others_leave() {
        let stopped = Signal::End(End::Stopped);
        let mut merge = Merge::new(3);
        merge.take(0, at(5));
        merge.take(0, stopped);
        merge.change(2, |at| at < 2);
        assert_eq!(merge.ended(), None, "the other goes on");
        assert_eq!(merge.take(1, at(9)), None, "what was stopped was about to bring something that is behind 9");
        merge.change(1, |at| at == 0);
        assert_eq!(merge.ended(), Some(End::Stopped));
        merge.change(2, |at| at == 1);
        assert_eq!(merge.ended(), None, "one that comes has not been stopped");
    }

    #[test]
    fn an_input_that_ends_before_it_says_anything_is_no_obstacle() {
        let mut merge = Merge::new(2);
        merge.take(0, at(1));
        assert_eq!(merge.take(1, END), Some(at(1)));
    }
}
