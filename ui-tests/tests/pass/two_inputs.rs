//! Operators with two inputs, failures and side outputs at once; long chains; statements of all forms.
#![deny(unused, unused_qualifications)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
pub struct Seen {
    count: u64,
}
#[operator(on_right = person)]
fn listing(seen: &mut Option<Seen>, auction: u64) -> Result<Option<String>, String> {
    let seen = seen.get_or_insert(Seen { count: 0 });
    seen.count += 1;
    Ok((seen.count > auction).then(|| seen.count.to_string()))
}
#[operator]
fn person(seen: &mut Option<Seen>, name: String) -> impl Iterator<Item = String> {
    let _ = seen.take();
    std::iter::once(name)
}
#[operator(on_right = forget)]
fn remember(seen: &mut Option<Seen>, x: u64) {
    *seen = Some(Seen { count: x });
}
#[operator]
fn forget(seen: &mut Option<Seen>, x: u64) -> Option<u64> {
    seen.take().map(|seen| seen.count + x)
}

pipeline! {
    fn p() {
        let a = source(0..9u64) as numbers -> key_by(|x| *x);
        let b = source(["x".to_owned(), "y".to_owned()]) as names -> key_by(|x| x.len() as u64);
        (a, b) -> listing else bad -> sink(stdout()) as main_sink;
        bad -> map(|failure| failure.error) -> sink(stdout());
        (a, a) -> remember -> sink(stdout());
        let (small, large) = a -> split(|x| *x < 4);
        union(small, large) -> top(2, |x| *x) -> sink(debug());
    }
}

fn main() {
    malstrom::Runtime::builder().workers(1).build().unwrap().run(p).unwrap();
}
