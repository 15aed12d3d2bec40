//! The program of the README: state per card, configuration, and a stream for what cannot be read.
use malstrom::prelude::*;

#[keyed_state(key = String)]
#[derive(Default)]
struct Card {
    payments: u32,
    total: f64,
}

#[operator]
fn parse(line: String) -> Result<(String, f64), String> {
    let (card, amount) = line.split_once(' ').ok_or("no amount")?;
    Ok((card.to_owned(), amount.parse().map_err(|_| format!("`{amount}` is no amount"))?))
}

#[operator]
fn unusual(seen: &mut Card, (card, amount): (String, f64), #[arg] factor: f64) -> Option<String> {
    let alarm = seen.payments > 1 && amount > factor * seen.total / f64::from(seen.payments);
    (seen.payments, seen.total) = (seen.payments + 1, seen.total + amount);
    alarm.then(|| format!("{card} paid {amount}, far more than usual"))
}

pipeline! {
    fn payments(lines: Vec<String>) {
        let parsed = source(lines) -> parse else malformed;
        parsed -> key_by(|(card, _)| card.clone()) -> unusual(3.0) -> sink(stdout());
        malformed -> map(|failure| failure.to_string()) -> sink(stdout()) as dead_letters;
    }
}

fn main() -> malstrom::Result<()> {
    let lines = || ["ann 10", "bob 20", "ann 12", "ann ten", "bob 30", "ann 95", "bob 40"].map(String::from).to_vec();
    eprintln!("{}", malstrom::run(move || payments(lines()))?);
    Ok(())
}
