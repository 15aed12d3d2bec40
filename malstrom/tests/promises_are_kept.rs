//! `#[guarantee(exactly_once)]`: the compiler goes by traits, so that whoever implements one and says otherwise in the
//! constant is refused when the job starts.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_debug_implementations)]
use malstrom::prelude::*;
use malstrom::{Emit, ExactlyOnce, Guarantee, Never, Pipeline, Read, Replays, Result, Sink, Source, SplitReader};
use std::time::Duration;

/// It says that it is exactly-once, and is not.
struct Boaster;
impl Sink for Boaster {
    type In = u64;
    const GUARANTEE: Guarantee = Guarantee::Idempotent;
    fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
        batch.clear();
        Ok(())
    }
}
impl ExactlyOnce for Boaster {}

struct Ledger;
impl Sink for Ledger {
    type In = u64;
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;
    fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
        batch.clear();
        Ok(())
    }
}
impl ExactlyOnce for Ledger {}

/// It says that it replays, and does not.
struct Forgetful;
impl Source for Forgetful {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Forgetful;
    const REPLAYS: bool = false;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok(vec![0])
    }
    fn open(&mut self, _: u64, _: Option<u64>) -> Result<Forgetful> {
        Ok(Forgetful)
    }
}
impl Replays for Forgetful {}
impl SplitReader for Forgetful {
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, _: usize, _: &mut impl Emit<u64, Never>) -> Result<Read> {
        Ok(Read::End)
    }
    fn position(&self) -> u64 {
        0
    }
}

pipeline! {
    #[guarantee(exactly_once)]
    fn boasts() {
        source(0..3u64) -> sink(Boaster) as totals;
    }
    #[guarantee(exactly_once)]
    fn forgets() {
        source(Forgetful) as ticks -> sink(Ledger);
    }
    #[guarantee(exactly_once)]
    fn keeps() {
        source(0..3u64) -> sink(Ledger);
    }
    fn promises_nothing() {
        source(Forgetful) -> sink(Boaster) as totals;
    }
}

fn run(pipeline: fn() -> Pipeline) -> Result<malstrom::Report> {
    malstrom::Runtime::builder().workers(1).build()?.run(pipeline)
}
fn refusal(pipeline: fn() -> Pipeline) -> String {
    run(pipeline).expect_err("it cannot keep what it promises").to_string()
}

#[test]
fn a_sink_that_contradicts_itself_is_refused() {
    assert_eq!(
        refusal(boasts),
        "`boasts/totals`: this sink is idempotent, but pipeline `boasts` promises exactly-once"
    );
}

#[test]
fn a_source_that_contradicts_itself_is_refused() {
    assert_eq!(
        refusal(forgets),
        "`forgets/ticks`: this source cannot repeat what was lost, but pipeline `forgets` promises exactly-once"
    );
}

#[test]
fn without_snapshots_a_promise_is_refused() {
    let error = run(keeps).expect_err("nobody takes snapshots");
    assert!(matches!(error, malstrom::Error::Config(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "pipeline `keeps` promises exactly-once, which takes snapshots: say where they are to lie by `--snapshots`, or leave out \
         `#[guarantee(exactly_once)]`"
    );
}

#[test]
fn others_run() {
    let runtime = malstrom::Runtime::builder().workers(1).snapshots("memory://keeps", Duration::from_secs(10));
    runtime.build().unwrap().run(keeps).unwrap();
    run(promises_nothing).unwrap();
}

#[test]
fn the_plan_of_a_job_with_snapshots_says_what_its_sinks_are() {
    let pipeline = promises_nothing();
    assert!(pipeline.plan().with_guarantees().to_string().contains("[/\"totals: idempotent\"/]"));
    assert!(pipeline.plan().to_string().contains("[/\"totals\"/]"));
    assert!(keeps().plan().with_guarantees().to_string().contains("[/\"sink: exactly-once\"/]"));
}
