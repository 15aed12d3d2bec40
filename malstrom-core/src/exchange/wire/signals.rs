//! How signals are written: where each stands, what it is, and its number.
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, ROUNDS, Scope};
use crate::stream::signal::{End, Mark, Signal, SplitNews};

/// The scope that has everything, as a number of a round.
const WHOLE: u16 = u16::MAX;
/// And the one that has no group in full.
const DELTA: u16 = u16::MAX - 1;

/// Each takes so many bytes: its place, its kind, whether it is the last barrier, its round, and two numbers.
const LEN: usize = 24;

pub(super) fn write(at: usize, signal: Signal, out: &mut Vec<u8>) {
    let (kind, last, round, a, b) = match signal {
        Signal::Split(split, news) => {
            let (kind, time) = match news {
                SplitNews::Opens => (0, 0),
                SplitNews::Reads => (1, 0),
                SplitNews::Promises(time) => (2, time),
                SplitNews::Silent => (3, 0),
                SplitNews::Rests => (4, 0),
                SplitNews::Holds => (11, 0),
                // What never crosses an exchange is like an end.
                SplitNews::Ends | SplitNews::Moves => (5, 0),
            };
            (kind, false, 0, split, time)
        }
        Signal::Time(Mark::At(time)) => (6, false, 0, 0, time),
        Signal::Time(Mark::Idle(time)) => (7, false, 0, 0, time),
        Signal::Barrier(Barrier { interval, scope, last }) => {
            let round = match scope {
                Scope::Changes { round } => round,
                Scope::Delta => DELTA,
                Scope::Whole => WHOLE,
            };
            (8, last, round, interval, 0)
        }
        Signal::End(End::Complete) => (9, false, 0, 0, 0),
        Signal::End(End::Stopped) => (10, false, 0, 0, 0),
    };
    // A place that does not fit is behind more records than a batch has.
    out.extend_from_slice(&u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&[kind, u8::from(last)]);
    out.extend_from_slice(&round.to_le_bytes());
    out.extend_from_slice(&a.to_le_bytes());
    out.extend_from_slice(&b.to_le_bytes());
}
/// Takes the next signal off `rest`, and where it stands.
pub(super) fn read(rest: &mut &[u8]) -> Result<(usize, Signal), CodecError> {
    let unknown = || CodecError::new("a batch has a signal that is none");
    let (bytes, behind) = rest.split_first_chunk::<LEN>().ok_or_else(unknown)?;
    *rest = behind;
    let word = |from: usize| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|at| bytes[from + at]));
    let at = u32::from_le_bytes([0, 1, 2, 3].map(|at| bytes[at])) as usize;
    let round = u16::from_le_bytes([bytes[6], bytes[7]]);
    let (a, time) = (word(8), word(16) as i64);
    let signal = match bytes[4] {
        0 => Signal::Split(a, SplitNews::Opens),
        1 => Signal::Split(a, SplitNews::Reads),
        2 => Signal::Split(a, SplitNews::Promises(time)),
        3 => Signal::Split(a, SplitNews::Silent),
        4 => Signal::Split(a, SplitNews::Rests),
        5 => Signal::Split(a, SplitNews::Ends),
        6 => Signal::Time(Mark::At(time)),
        7 => Signal::Time(Mark::Idle(time)),
        8 => {
            let scope = match round {
                WHOLE => Scope::Whole,
                DELTA => Scope::Delta,
                round if round < ROUNDS => Scope::Changes { round },
                _ => return Err(unknown()),
            };
            let last = match bytes[5] {
                0 => false,
                1 => true,
                _ => return Err(unknown()),
            };
            Signal::Barrier(Barrier { interval: a, scope, last })
        }
        9 => Signal::End(End::Complete),
        10 => Signal::End(End::Stopped),
        11 => Signal::Split(a, SplitNews::Holds),
        _ => return Err(unknown()),
    };
    Ok((at, signal))
}
