//! A crate that calls malstrom by another name.
#![deny(unused)]
#![cfg(test)]
use ms::connect::stdout;

#[derive(ms::Record, Clone, Debug)]
#[record(crate = ms)]
struct Tx {
    card: Card,
    cents: u64,
}
#[derive(ms::Key, PartialEq, Eq, Hash, Clone, Debug)]
#[key(crate = ms)]
struct Card(u64);
#[ms::keyed_state(key = Card, crate = ms)]
#[derive(Default)]
struct Total {
    cents: u64,
}
#[ms::operator(crate = ms)]
fn add(total: &mut Total, tx: Tx) -> u64 {
    total.cents += tx.cents;
    total.cents
}
#[ms::operator(crate = ms)]
fn tx(cents: u64) -> Tx {
    Tx { card: Card(cents % 2), cents }
}

ms::pipeline! {
    <u64, Tx> fn made() = tx -> filter(|tx| tx.cents > 0);
    fn p() {
        source(0..9u64) -> made -> key_by(|tx| tx.card.clone()) -> add -> sink(stdout());
    }
}

#[test]
fn runs() -> ms::Result<()> {
    let report = ms::Runtime::builder().workers(1).build()?.run(p)?;
    assert_eq!(report.operator("p/made/tx").map(|op| op.records_in), Some(9));
    Ok(())
}
