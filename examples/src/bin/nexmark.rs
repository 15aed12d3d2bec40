//! A query of Nexmark over generated events of an online auction. The queries are in `examples/src/nexmark/queries`.
//!
//! `cargo run --release --bin nexmark -- --query 7 --events 10000000` finds the highest bid of each 10 s.
use clap::Parser;
use malstrom::{Pipeline, RuntimeArgs};
use malstrom_examples::nexmark::{Answer, Row, queries};

/// Runs a query of Nexmark over the events of an online auction, of which there are a thousand in a second.
#[derive(Parser)]
#[command(after_help = AFTER_HELP)]
struct Args {
    /// Which query
    #[arg(long, value_name = "N", default_value = "5")]
    #[arg(value_parser = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "11", "12"])]
    query: String,
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    events: usize,
    /// How many rows of the answer to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    rows: usize,
    #[command(flatten)]
    runtime: RuntimeArgs,
}

const AFTER_HELP: &str = "\
Queries:
   0  every event
   1  every bid, in another currency
   2  bids for one auction in 123
   3  auctions of category 10 with their sellers, if these are from Oregon, Idaho or California
   4  what things of a category are sold for, on average
   5  the auctions with the most bids in each 10 s, every 2 s
   6  what a seller's last ten auctions were sold for, on average, whenever one closes
   7  the highest bid of each 10 s
   8  people who open an auction in the 10 s in which they register
  11  how many bids someone makes without a pause of 10 s
  12  how many bids someone makes in 10 s by the clock of the machine";

fn main() -> malstrom::Result<()> {
    let args = Args::parse();
    match args.query.as_str() {
        "0" => show(queries::passed, args),
        "1" => show(queries::converted, args),
        "2" => show(queries::selected, args),
        "3" => show(queries::local_items, args),
        "4" => show(queries::category_prices, args),
        "6" => show(queries::seller_prices, args),
        "7" => show(queries::highest_bids, args),
        "8" => show(queries::new_sellers, args),
        "11" => show(queries::sessions, args),
        "12" => show(queries::bidder_totals, args),
        _ => show(queries::hot_items, args),
    }
}

fn show<T: Row>(query: fn(usize, Answer<T>) -> Pipeline, args: Args) -> malstrom::Result<()> {
    let Args { events, rows, runtime, .. } = args;
    let answer = Answer::first(rows);
    let kept = answer.clone();
    let report = runtime.run(move || query(events, kept.clone()))?;
    print!("{answer}");
    println!("{} rows", answer.count());
    eprintln!("{report}");
    Ok(())
}
