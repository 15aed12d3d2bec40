//! Which seeds are run: those that the test says, or as many of them as somebody has time for.
use crate::error::{Error, Result};
use crate::runtime::clock::{self, Clock};
use std::io::Write;
use std::ops::Range;
use std::time::Duration;

/// The variable that says which seeds are run.
pub(super) const VARIABLE: &str = "MALSTROM_SEEDS";
/// How often a long run says how far it is.
const SHOW: Duration = Duration::from_secs(20);

/// The seeds that are to be run where the test says `seeds`.
pub(super) fn chosen(seeds: Range<u64>) -> Result<Range<u64>> {
    clock::variable(VARIABLE).map_or(Ok(seeds.clone()), |value| choose(seeds, &value))
}
fn choose(seeds: Range<u64>, value: &str) -> Result<Range<u64>> {
    let times = |times: u64| {
        let many = seeds.end.saturating_sub(seeds.start).saturating_mul(times);
        seeds.start..seeds.start.saturating_add(many)
    };
    let chosen = match (value.strip_suffix('x'), value.split_once("..")) {
        (Some(many), _) => many.parse().ok().map(times),
        (_, Some((start, end))) => start.parse().ok().zip(end.parse().ok()).map(|(start, end)| start..end),
        _ => None,
    };
    chosen.filter(|seeds| !seeds.is_empty()).ok_or_else(|| {
        let how = "`100x` for a hundred times as many seeds as there are, or `17..18` for these";
        Error::Config(format!("{VARIABLE} is `{value}`: set it to {how}"))
    })
}

/// Says now and then how far a run is that takes long. It speaks to the terminal, as a test that passes hides what it prints.
pub(super) struct Progress {
    name: String,
    all: u64,
    clock: Clock,
    shown: Duration,
}
impl Progress {
    pub(super) fn begin(name: &str, seeds: &Range<u64>) -> Self {
        let all = seeds.end.saturating_sub(seeds.start);
        Progress { name: name.to_owned(), all, clock: Clock::start(), shown: Duration::ZERO }
    }
    /// So many seeds are done.
    pub(super) fn show(&mut self, done: u64) {
        let now = self.clock.now();
        if now.saturating_sub(self.shown) < SHOW {
            return;
        }
        self.shown = now;
        // Nobody need be there to read it.
        let _ = writeln!(std::io::stderr(), "{}: {done} of {} seeds after {} s", self.name, self.all, now.as_secs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_says_how_many_seeds_or_which() {
        assert_eq!(choose(5..25, "100x").unwrap(), 5..2005);
        assert_eq!(choose(0..200, "17..18").unwrap(), 17..18);
        assert_eq!(choose(3..4, "18446744073709551615x").unwrap(), 3..u64::MAX);
        for wrong in ["100", "x", "-1x", "0x", "5..", "..5", "5..5", "7..3", "a..b", "1..2x"] {
            let error = choose(0..200, wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("MALSTROM_SEEDS is `{wrong}`: set it to `100x`")), "{error}");
        }
    }
}
