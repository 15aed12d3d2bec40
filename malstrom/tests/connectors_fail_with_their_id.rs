//! What a source or a sink reports ends the job, with its id and the chain of causes.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Emit, Error, Never, Pipeline, Read, Result, Sink, Source, SplitReader};
use std::path::PathBuf;

/// Three causes deep.
fn trouble() -> Error {
    #[derive(Debug)]
    struct Disk(std::io::Error);
    impl std::fmt::Display for Disk {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "the disk is ill")
        }
    }
    impl std::error::Error for Disk {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    Error::custom(Disk(std::io::Error::other("a head crashed")))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Splits,
    Open,
    Read,
    SinkOpen,
    Write,
    Flush,
    Close,
    Never,
}

struct Faulty(At);
struct Reader(At, u64);
impl Source for Faulty {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Reader;
    fn splits(&mut self) -> Result<Vec<u64>> {
        if self.0 == At::Splits { Err(trouble()) } else { Ok(vec![0, 1, 2, 3]) }
    }
    fn open(&mut self, split: u64, _: Option<u64>) -> Result<Reader> {
        if self.0 == At::Open && split == 2 { Err(trouble()) } else { Ok(Reader(self.0, 0)) }
    }
}
impl SplitReader for Reader {
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Never>) -> Result<Read> {
        (0..max as u64).for_each(|x| out.emit(x));
        self.1 += 1;
        match self.0 {
            At::Read if self.1 == 5 => Err(trouble()),
            At::Read => Ok(Read::More),
            _ => Ok(if self.1 == 5 { Read::End } else { Read::More }),
        }
    }
    fn position(&self) -> u64 {
        self.1
    }
}
#[derive(Debug)]
struct Broken(At);
impl Broken {
    fn at(&self, at: At) -> Result<()> {
        if self.0 == at { Err(trouble()) } else { Ok(()) }
    }
}
impl Sink for Broken {
    type In = u64;
    fn open(&mut self, _: usize, _: usize) -> Result<()> {
        self.at(At::SinkOpen)
    }
    fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
        batch.clear();
        self.at(At::Write)
    }
    fn flush(&mut self) -> Result<()> {
        self.at(At::Flush)
    }
    fn close(&mut self) -> Result<()> {
        self.at(At::Close)
    }
}

pipeline! {
    fn job(source_at: At, sink_at: At) {
        source(Faulty(source_at)) as taps -> key_by(|x| *x) -> map(|x| x) -> sink(Broken(sink_at)) as drain;
    }
    fn missing_file(path: PathBuf) { source(files::lines(path)) as taps -> sink(for_each(|_: String| ())); }
}

fn fails(connector: &str, pipeline: impl Fn() -> Pipeline + Clone + Send + Sync + 'static) -> Vec<String> {
    [1, 3]
        .map(|workers| match support::run(workers, pipeline.clone()) {
            Err(error @ Error::Connector { .. }) => {
                assert_eq!(error.to_string(), format!("`{connector}` failed"), "{workers} workers");
                format!("{error:?}")
            }
            other => panic!("{connector}, {workers} workers: {other:?}"),
        })
        .to_vec()
}

#[test]
fn a_source_or_sink_that_reports_trouble_is_named() {
    for at in [At::Splits, At::Open, At::Read] {
        for debug in fails("job/taps", move || job(at, At::Never)) {
            assert_eq!(debug, "`job/taps` failed\n  because: the disk is ill\n  because: a head crashed", "{at:?}");
        }
    }
    for at in [At::SinkOpen, At::Write, At::Flush, At::Close] {
        for debug in fails("job/drain", move || job(At::Never, at)) {
            assert_eq!(debug, "`job/drain` failed\n  because: the disk is ill\n  because: a head crashed", "{at:?}");
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    for debug in fails("missing_file/taps", || missing_file("/no/such/file".into())) {
        assert!(debug.starts_with("`missing_file/taps` failed\n  because: cannot "), "{debug}");
        assert!(debug.contains("`/no/such/file`") && debug.contains("no such file or directory"), "{debug}");
    }
}

#[test]
fn the_error_of_the_standard_library_reads_well() {
    let failed: Error = std::io::Error::from(std::io::ErrorKind::NotFound).into();
    assert_eq!(format!("{:?}", failed.in_connector("p/source")), "`p/source` failed\n  because: entity not found");
}
