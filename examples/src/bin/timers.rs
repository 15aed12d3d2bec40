//! Timers in event time: an order that is not paid within half an hour raises an alarm, and a payment before that cancels
//! it. What is known of an order is forgotten a day after its last use.
use malstrom::prelude::*;
use std::error::Error;

#[derive(Record, Clone, Debug)]
enum Event {
    Placed { order: u64, at: Timestamp },
    Paid { order: u64, at: Timestamp },
}

impl Event {
    fn order(&self) -> u64 {
        let (Event::Placed { order, .. } | Event::Paid { order, .. }) = self;
        *order
    }
    fn at(&self) -> Timestamp {
        let (Event::Placed { at, .. } | Event::Paid { at, .. }) = self;
        *at
    }
}

#[keyed_state(key = u64, ttl = "1d")]
struct Order {
    due: Timestamp,
    paid: bool,
}

/// What the timer holds: there is nothing more to say.
#[derive(Record)]
struct Unpaid;

#[operator(on_timer = remind)]
fn follow(state: &mut Option<Order>, event: Event, timers: Timers<'_, Unpaid>) -> Option<String> {
    match (event, state) {
        (Event::Placed { at, .. }, state) => {
            let due = at + 30.minutes();
            timers.at(due, Unpaid);
            *state = Some(Order { due, paid: false });
            None
        }
        (Event::Paid { order, .. }, Some(Order { paid: true, .. })) => Some(format!("order {order} was paid twice")),
        (Event::Paid { at, .. }, Some(state)) if at <= state.due => {
            timers.cancel(state.due, Unpaid);
            state.paid = true;
            None
        }
        (Event::Paid { order, at }, Some(state)) => {
            state.paid = true;
            Some(format!("order {order} was paid after all, at {at}"))
        }
        (Event::Paid { order, .. }, None) => Some(format!("order {order} was paid, and nobody knows it")),
    }
}

/// Runs when event time has come to what the timer was set for.
#[operator]
fn remind(_: &mut Option<Order>, _: Unpaid, order: Key<'_, u64>, at: EventTime) -> String {
    format!("order {order} is not paid at {at}")
}

pipeline! {
    fn timers(events: Vec<Event>) {
        source(events) -> timestamps(Event::at, lag = 10.minutes()) -> key_by(Event::order) -> follow -> sink(stdout());
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let nine: Timestamp = "2026-03-02T09:00:00Z".parse()?;
    let placed = move |minutes: u64, order| Event::Placed { order, at: nine + minutes.minutes() };
    let paid = move |minutes: u64, order| Event::Paid { order, at: nine + minutes.minutes() };
    let events = move || {
        vec![
            placed(0, 1),
            placed(5, 2),
            paid(20, 1),
            placed(42, 3),
            // Out of order, and just in time.
            paid(35, 2),
            // By this event time comes to 10:50, and order 3 was due at 10:12.
            placed(120, 4),
            paid(121, 3),
            paid(125, 1),
            paid(130, 4),
            // Three days later. Order 5 is never paid: its timer fires at the end of the input.
            placed(4_320, 5),
            paid(4_325, 1),
        ]
    };
    eprintln!("{}", malstrom::run(move || timers(events()))?);
    Ok(())
}
