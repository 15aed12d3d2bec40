//! A job inside a program: started, watched and stopped from code, with its results collected in memory.
use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Latency, Runtime};
use std::time::Duration;

pipeline! {
    /// Squares from four endless splits, which the workers share.
    fn squares(into: memory::Collector<u64>) {
        source(memory::splits(4, |split| (split as u64..).step_by(4))) -> filter(|n| n % 1_000 == 0)
            -> map(|n| n.wrapping_mul(n)) -> sink(into);
    }
}

fn main() -> malstrom::Result<()> {
    let results = memory::collector();
    let sink = results.clone();
    let runtime = Runtime::builder().workers(2).latency(Latency::Low).build()?;
    let job = runtime.start(move || squares(sink.clone()))?;

    while job.report().records_read() < 100_000 {
        std::thread::sleep(Duration::from_millis(5));
    }
    job.stop()?;
    let report = job.join()?;

    let results = results.take();
    let sink = report.operator("squares/sink").map_or(0, |op| op.records_in);
    println!("stopped: {}, by {} workers", report.stopped(), report.workers());
    println!("all results are here: {}", results.len() as u64 == sink);
    println!("one of them is 1000 squared: {}", results.contains(&1_000_000));
    Ok(())
}
