//! Operators in modules, imported and by path, also under the names of built-ins.
#![deny(missing_docs, unreachable_pub, unused_qualifications, missing_debug_implementations, unused)]
#![deny(clippy::pedantic)]
#![allow(clippy::must_use_candidate, clippy::missing_errors_doc)]
use malstrom::prelude::*;
use text::{length, trim as cut};

/// Operators on text.
pub mod text {
    use malstrom::operator;

    /// Cuts white space.
    #[operator]
    pub fn trim(line: String) -> String {
        line.trim().to_owned()
    }
    /// How long a line is.
    #[operator]
    pub(crate) fn length(line: String) -> u64 {
        line.len() as u64
    }
    /// A module in the module.
    pub mod deep {
        /// Doubles.
        #[malstrom::operator]
        pub fn double(x: u64) -> u64 {
            2 * x
        }
    }
}

/// Named like a built-in.
#[operator]
fn map(x: u64) -> u64 {
    x + 1
}
/// Likewise.
#[operator]
pub fn count(x: u64) -> Option<u64> {
    (x > 3).then_some(x)
}
/// Likewise.
#[operator]
fn source(x: u64) -> u64 {
    x
}

pipeline! {
    /// A pipeline.
    pub fn p(lines: Vec<String>) {
        source(lines)
            -> cut
            -> length
            -> text::deep::double
            -> self::map
            -> self::count
            -> crate::source
            -> sink(stdout());
    }
}

fn main() {
    let report =
        malstrom::Runtime::builder().workers(1).build().unwrap().run(|| p(vec![" four ".into(), "x".into()])).unwrap();
    assert_eq!(report.operator("p/count").map(|op| op.records_in), Some(2));
    assert_eq!((map(1), count(3), source(2)), (2, None, 2));
}
