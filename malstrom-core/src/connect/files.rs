//! Files: text lines, CSV and JSON lines, and directories of parts.
//!
//! A path names a file, a directory (its files, sorted; not those in directories below it, and none whose name starts
//! with `.` or `_`) or a glob (`logs/2013-*.csv.gz`). Every file is a split, read by one worker. A name that ends in
//! `.gz` is decompressed while it is read. A byte order mark is skipped, and lines may end in `\n` or `\r\n`.
//!
//! A row that is not what it should be is a [`Malformed`] record, which the pipeline handles, and reading goes on. Trouble
//! with a file as a whole (missing, unreadable, truncated or corrupt `.gz`) fails the job.
//!
//! A restored job goes on in each file behind the last row of its snapshot: in a plain one at once, while what comes before is
//! decompressed again in a `.gz`. It knows files again by their paths ([`FileSplit`]), and reads those that are new from their
//! beginning. A file that has become shorter or longer since the job began to read it is an error: new lines belong in new
//! files. What sinks of files do when a job is restored is described at [`csv_sink`].
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
