//! What was wanted most: purchases are counted per item in windows of ten minutes, of which one begins every five; then the
//! counts of each window meet under one key, the window, and the greatest of them are kept.
use malstrom::InvalidTimestamp;
use malstrom::prelude::*;

#[derive(Record, Clone, Debug)]
struct Purchase {
    at: Timestamp,
    item: String,
}

/// A line such as `09:04 tea`.
#[operator]
fn parse(line: String) -> Result<Purchase, InvalidTimestamp> {
    let (at, item) = line.trim().split_once(' ').unwrap_or_default();
    Ok(Purchase { at: format!("2026-03-02T{at}:00Z").parse()?, item: item.into() })
}

/// How many of an item were bought in a window.
type Bought = Windowed<String, u64>;

#[operator]
fn line(best: Windowed<Window, Vec<Bought>>) -> String {
    let items: Vec<_> = best.value.iter().map(|bought| format!("{} {}", bought.value, bought.key)).collect();
    format!("{}: {}", best.key, items.join(", "))
}

pipeline! {
    fn hot_items(lines: Vec<String>, most: usize) {
        source(lines) -> parse? -> timestamps(|purchase| purchase.at, lag = 2.minutes())
            -> key_by(|purchase| purchase.item.clone())
            -> window(sliding(10.minutes(), 5.minutes()))? as ten_minutes -> count()
            // A count has the last time of its window, so those of one window fall into the same five minutes.
            -> key_by(|bought| bought.window)
            -> window(tumbling(5.minutes()))? as same_window -> top(most, |bought| bought.value)
            -> line -> sink(stdout());
    }
}

const PURCHASES: &str = "\
    09:01 tea
    09:02 jam
    09:04 tea
    09:03 tea
    09:06 jam
    09:07 jam
    09:09 rice
    09:08 jam
    09:11 rice
    09:12 rice
    09:14 tea
    09:13 rice
    09:21 jam";

fn main() -> malstrom::Result<()> {
    let purchases = || PURCHASES.lines().map(String::from).collect();
    eprintln!("{}", malstrom::run(move || hot_items(purchases(), 2))?);
    Ok(())
}
