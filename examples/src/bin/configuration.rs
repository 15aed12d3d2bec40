//! What an operator needs to know beside its record is marked `#[arg]` and given where the operator is used: by value if
//! it is `Copy`, otherwise by reference. Operators may be generic; their types come from the record or are written.
use malstrom::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

#[operator]
fn parse<T: FromStr + 'static>(text: String) -> Option<T> {
    text.parse().ok()
}

#[operator]
fn at_least<T: PartialOrd + Copy + 'static>(x: T, #[arg] least: T) -> Option<T> {
    (x >= least).then_some(x)
}

#[operator]
fn priced(amount: u32, #[arg] prices: &BTreeMap<u32, f64>, #[arg] currency: &str) -> String {
    let each = prices.range(..=amount).next_back().map_or(1.0, |(_, price)| *price);
    format!("{amount} cost {:.2} {currency}", each * f64::from(amount))
}

#[operator]
fn tagged<T: Display + 'static>(x: T, #[arg] tags: &[String]) -> String {
    format!("[{}] {x}", tags.join(" "))
}

pipeline! {
    fn shop(orders: Vec<String>, prices: BTreeMap<u32, f64>, least: u32) {
        source(orders) -> parse::<u32> -> at_least(least) -> priced(prices, "EUR")
            -> tagged(["new".to_owned(), "unpaid".to_owned()]) -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    let orders = || ["3", "many", "10", "250"].map(String::from).to_vec();
    let prices = BTreeMap::from([(1, 2.5), (100, 1.99)]);
    eprintln!("{}", malstrom::run(move || shop(orders(), prices.clone(), 5))?);
    Ok(())
}
