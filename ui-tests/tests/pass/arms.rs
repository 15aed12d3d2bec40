//! `on_timer` and `on_close` by path; operators in windows; fragments with keys, times and windows; operators that are
//! called like a built-in.
#![deny(missing_docs, unreachable_pub, unused_qualifications, missing_debug_implementations, unused)]
#![deny(clippy::pedantic)]
#![allow(clippy::must_use_candidate, clippy::missing_errors_doc, clippy::similar_names, clippy::unnecessary_wraps)]
use malstrom::prelude::*;

/// State and what is done with it.
pub mod visits {
    use malstrom::prelude::*;

    /// A click.
    #[derive(Record, Clone, Debug)]
    pub struct Click {
        /// By whom.
        pub user: u64,
        /// When.
        pub at: Timestamp,
    }
    /// What a visit comes to.
    #[keyed_state(key = u64)]
    #[derive(Clone, Debug, Default)]
    pub struct Visit {
        clicks: u64,
    }
    /// What timers hold.
    #[derive(Record, Debug)]
    pub enum Reminder {
        /// The one.
        Forget,
    }

    /// Emits nothing until the window closes.
    #[operator(on_close = finish::visit)]
    pub fn visit(visit: &mut Visit, click: Click, window: Window, at: EventTime) {
        visit.clicks += u64::from(window.contains(*at) && click.at == *at);
    }
    /// Emits at each click, and lets windows close in silence.
    #[operator]
    pub fn running(visit: &mut Visit, _: Click) -> u64 {
        visit.clicks += 1;
        visit.clicks
    }
    /// Drops its state, so that nothing is handed over.
    #[operator(on_close = finish::optional)]
    pub fn optional(visit: &mut Option<Visit>, click: Click) -> Result<Option<u64>, String> {
        *visit = (click.user > 1).then(Visit::default);
        if click.user > 9 { Err(format!("user {}", click.user)) } else { Ok(None) }
    }
    /// Sets timers of both kinds.
    #[operator(on_timer = self::finish::forget)]
    pub fn remind(
        visit: &mut Visit,
        click: Click,
        at: EventTime,
        timers: Timers<'_, Reminder>,
        clock: ProcessingTimers<'_, Reminder>,
        #[arg] limit: u64,
    ) -> Option<u64> {
        visit.clicks += click.user;
        timers.at(*at + 1.minutes(), Reminder::Forget);
        timers.after(1.minutes(), Reminder::Forget);
        clock.after(1.hours(), Reminder::Forget);
        clock.cancel(*at, Reminder::Forget);
        (visit.clicks > limit).then_some(visit.clicks)
    }
    /// What runs later.
    pub mod finish {
        use super::{Reminder, Visit};
        use malstrom::prelude::*;

        /// At the close.
        #[operator]
        #[allow(clippy::needless_pass_by_value)]
        pub fn visit(visit: Visit, window: Window, user: Key<'_, u64>) -> (u64, Timestamp, u64) {
            (*user, window.end(), visit.clicks)
        }
        /// At the close, if there is anything.
        #[operator]
        pub fn optional(visit: Visit) -> Result<u64, String> {
            Ok(visit.clicks)
        }
        /// When the timer fires; it sets another.
        #[operator]
        pub fn forget(
            visit: &mut Visit,
            reminder: Reminder,
            at: EventTime,
            timers: Timers<'_, Reminder>,
        ) -> impl Iterator<Item = u64> {
            if visit.clicks > 3 {
                visit.clicks = 0;
                timers.at(*at + 1.minutes(), reminder);
            }
            std::iter::once(visit.clicks)
        }
    }
}
use visits::{Click, Reminder, Visit};

/// Two inputs, timers and generics at once.
#[operator(on_right = other, on_timer = visits::finish::forget)]
fn both(visit: &mut Visit, click: Click, timers: Timers<'_, Reminder>) -> u64 {
    timers.after(1.minutes(), Reminder::Forget);
    visit.clicks() + click.user
}
#[operator]
fn other(visit: &mut Visit, _: Click, timers: Timers<'_, Reminder>) -> Option<u64> {
    timers.after(2.minutes(), Reminder::Forget);
    Some(visit.clicks())
}
impl Visit {
    fn clicks(&self) -> u64 {
        u64::from(format!("{self:?}").contains('1'))
    }
}
/// Called like a built-in.
#[operator]
fn window(click: Click) -> Option<Click> {
    (click.user > 0).then_some(click)
}
/// Likewise.
#[operator]
fn timestamps(x: u64, #[arg] least: u64) -> u64 {
    x.max(least)
}

pipeline! {
    /// Windows inside.
    pub <Click by u64 at Timestamp, Windowed<u64, u64>> fn hourly() = window(tumbling(1.hours())) else drop -> count();
    /// Time and key inside, and both leave.
    pub <Click, Click by u64 at Timestamp> fn timed() = timestamps(|click| click.at, lag = 5.seconds()) -> key_by(|click| click.user);
    /// The other order.
    pub <Click at Timestamp by u64, u64> fn sessions(gap: std::time::Duration) = window(session(gap))? as visits -> visits::running;
    /// All of it.
    pub <Click, u64 by u64 at Timestamp> fn whole() = timed -> hourly -> map(|n| n.value);
    /// Time on the way, which nobody gave.
    pub <u64, u64 at i64> fn ticks() = timestamps(|x| x.cast_signed(), lag = 3) -> self::timestamps(5);
    /// Carried through.
    pub <u64, u64> fn plain() = map(|x| x + 1);

    /// A pipeline.
    pub fn p(clicks: Vec<Click>) {
        let clicks = source(clicks) -> timed;
        let windows = clicks -> self::window -> window(tumbling(1.minutes()), lateness = 1.hours()) else late;
        windows -> visits::visit -> sink(debug());
        windows -> visits::optional else bad -> sink(stdout());
        windows -> visits::running -> sink(stdout());
        late -> map(|late| late.record) -> key_by(|click| click.user) -> window(counted(3)) -> visits::running as counted -> sink(stdout());
        bad -> map(|failure| failure.error) -> sink(stdout());
        clicks -> visits::remind(3) -> sink(stdout());
        clicks -> hourly -> map(|n| n.value) -> plain -> sink(stdout());
        clicks -> sessions(30.minutes()) -> sink(stdout());
        (clicks, clicks) -> both -> sink(stdout());
        source(0..9u64) -> ticks -> plain as again -> sink(stdout());
    }
    /// Another.
    pub fn q(clicks: Vec<Click>) {
        source(clicks) -> whole -> plain -> sink(stdout());
    }
}

fn main() {
    let clicks = || (0..5).map(|user| Click { user, at: Timestamp::from_secs(60) }).collect::<Vec<_>>();
    let report = malstrom::Runtime::builder().workers(1).build().unwrap().run(move || p(clicks())).unwrap();
    assert_eq!(report.operator("p/window").map(|op| op.records_out), Some(4));
    malstrom::Runtime::builder().workers(2).build().unwrap().run(move || q(clicks())).unwrap();
}
