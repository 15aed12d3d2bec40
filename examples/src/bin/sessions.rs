//! Clicks become visits: windows per visitor that grow while clicks are less than half an hour apart, and close when
//! event time has passed their end. A click that comes a little later than that corrects the visit, which closes again;
//! one that comes much later goes to a stream of its own.
use malstrom::InvalidTimestamp;
use malstrom::prelude::*;
use std::fmt;

#[derive(Record, Clone, Debug)]
struct Click {
    at: Timestamp,
    visitor: String,
    page: String,
}

/// A line such as `09:05 ann /cart`.
#[operator]
fn parse(line: String) -> Result<Click, InvalidTimestamp> {
    let mut words = line.split_whitespace().map(String::from);
    let mut next = || words.next().unwrap_or_default();
    let at = format!("2026-03-02T{}:00Z", next()).parse()?;
    Ok(Click { at, visitor: next(), page: next() })
}

/// The pages of a visit. `Clone`, because what has been handed on may have to be corrected.
#[keyed_state(key = String)]
#[derive(Default, Clone)]
struct Visit {
    pages: Vec<(Timestamp, String)>,
}

#[operator(on_close = visited)]
fn visit(visit: &mut Visit, click: Click) {
    visit.pages.push((click.at, click.page));
}

/// Gets the visit when its window closes.
#[operator]
fn visited(mut visit: Visit, window: Window, visitor: Key<'_, String>) -> String {
    visit.pages.sort();
    let pages: Vec<_> = visit.pages.into_iter().map(|(_, page)| page).collect();
    format!("{visitor} {} to {}: {}", clock(window.start()), clock(window.end()), pages.join(" "))
}

fn clock(at: Timestamp) -> String {
    at.to_string().chars().skip(11).take(5).collect()
}
impl fmt::Display for Click {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} on {}", self.visitor, clock(self.at), self.page)
    }
}

pipeline! {
    fn sessions(lines: Vec<String>) {
        // Clicks may come 5 minutes out of order and are on time. A visit that has closed waits another hour for others.
        source(lines) -> parse? -> timestamps(|click| click.at, lag = 5.minutes())
            -> key_by(|click| click.visitor.clone())
            -> window(session(30.minutes()), lateness = 1.hours()) else late
            -> visit -> sink(stdout());
        late -> map(|late| format!("too late, it is past {}: {}", clock(late.watermark), late.record))
            -> sink(stdout()) as too_late;
    }
}

const CLICKS: &str = "\
    09:00 ann /
    09:10 bob /
    09:07 ann /shoes
    09:20 ann /cart
    10:00 cid /
    10:30 cid /shoes
    09:40 ann /paid
    11:20 bob /
    09:12 bob /hats
    12:00 cid /";

fn main() -> malstrom::Result<()> {
    let clicks = || CLICKS.lines().map(String::from).collect();
    eprintln!("{}", malstrom::run(move || sessions(clicks()))?);
    Ok(())
}
