//! State per key. With `&mut S` a key's state begins as `S::default()`; with `&mut Option<S>` the operator decides when
//! it begins and when it ends: a key that is left at `None` costs nothing.
use malstrom::prelude::*;

#[keyed_state(key = String)]
#[derive(Default)]
struct Visits {
    count: u32,
}

#[operator]
fn greet(visits: &mut Visits, _event: (String, Event), name: Key<'_, String>) -> String {
    visits.count += 1;
    format!("{}: event {}", *name, visits.count)
}

#[keyed_state(key = String)]
struct Session {
    since: u64,
}

#[derive(Record, Clone, Debug)]
enum Event {
    Login(u64),
    Logout(u64),
}

#[operator]
fn sessions(open: &mut Option<Session>, (name, event): (String, Event)) -> Option<String> {
    match event {
        Event::Login(at) => {
            open.get_or_insert(Session { since: at });
            None
        }
        Event::Logout(at) => open.take().map(|session| format!("{name}: stayed {}", at - session.since)),
    }
}

pipeline! {
    fn visitors(events: Vec<(String, Event)>) {
        let by_name = source(events) -> key_by(|(name, _)| name.clone());
        by_name -> greet -> sink(stdout()) as greetings;
        by_name -> sessions -> sink(stdout()) as sessions_ended;
    }
}

fn main() -> malstrom::Result<()> {
    use Event::{Login, Logout};
    let events = [("ann", Login(1)), ("bob", Login(2)), ("ann", Logout(5)), ("ann", Logout(6)), ("bob", Logout(9))];
    let events = events.map(|(name, event)| (name.to_string(), event)).to_vec();
    eprintln!("{}", malstrom::run(move || visitors(events.clone()))?);
    Ok(())
}
