//! Files: text lines, CSV and JSON lines, and directories of parts.
//!
//! A path names a file, a directory (its files, sorted; not those in directories below it, and none whose name starts
//! with `.` or `_`) or a glob (`logs/2013-*.csv.gz`). Every file is a split, read by one worker. A name that ends in
//! `.gz` is decompressed while it is read. A byte order mark is skipped, and lines may end in `\n` or `\r\n`.
//!
//! A row that is not what it should be is a [`Malformed`] record, which the pipeline handles, and reading goes on. Trouble
//! with a file as a whole (missing, unreadable, truncated or corrupt `.gz`) fails the job.
mod columns;
mod csv_sink;
mod csv_source;
mod explain;
mod fields;
mod jsonl_sink;
mod jsonl_source;
mod line_source;
mod malformed;
mod parts;
mod paths;
mod text;

pub use csv_sink::{CsvSink, csv_sink};
pub use csv_source::{Csv, CsvReader, csv};
pub use jsonl_sink::{JsonlSink, jsonl_sink};
pub use jsonl_source::{JsonLines, JsonLinesReader, jsonl};
pub use line_source::{Lines, LinesReader, lines};
pub use malformed::Malformed;
pub use paths::FileSplit;
pub use text::FilePosition;
