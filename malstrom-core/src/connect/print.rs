//! Sinks that print: a line per record on the standard output.
use crate::check::sink::{SinkLike, SinkOf, Unprinted};
use crate::contract::sink::Sink;
use crate::error::{Error, Result};
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::marker::PhantomData;

/// A sink that prints a line per record, by `Display`.
///
/// What is printed cannot be taken back. So it is at-least-once where snapshots are on: after a failure, what was printed since
/// the last snapshot is printed again.
///
/// ```
/// use malstrom_core::Sink;
/// use malstrom_core::connect::{Stdout, stdout};
/// // In a pipeline: `.. -> sink(stdout());`. By hand:
/// Stdout::new().write(&mut vec!["one", "two"])?;
/// # let _ = stdout();
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn stdout() -> names::stdout {
    names::stdout
}

/// A sink that prints a line per record, by `Debug`. It is at-least-once, as [`stdout`] is.
///
/// ```
/// use malstrom_core::Sink;
/// use malstrom_core::connect::{Debugged, debug};
/// // In a pipeline: `.. -> sink(debug());`. By hand:
/// Debugged::new().write(&mut vec![Some(1), None])?;
/// # let _ = debug();
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn debug() -> names::debug {
    names::debug
}

/// What [`stdout`] and [`debug`] return: sinks of whatever can be printed. Compiler messages call them by these names.
#[allow(non_camel_case_types)]
pub mod names {
    /// See [`stdout`](super::stdout()).
    #[derive(Clone, Copy, Debug)]
    pub struct stdout;
    /// See [`debug`](super::debug()).
    #[derive(Clone, Copy, Debug)]
    pub struct debug;
}

impl SinkLike for names::stdout {
    type This = Self;
    type Expects<T> = T;
    type Shows<T> = T;
    type Dumps<T> = Unprinted;
    type Named = Unprinted;
    type Printer = Self;
    type Dumper = Unprinted;
    fn this(self) -> Self {
        self
    }
}
impl<T: fmt::Display + 'static> SinkOf<T> for names::stdout {
    type Sink = Stdout<T>;
    fn sink_of(self) -> Stdout<T> {
        Stdout::new()
    }
}
impl SinkLike for names::debug {
    type This = Self;
    type Expects<T> = T;
    type Shows<T> = Unprinted;
    type Dumps<T> = T;
    type Named = Unprinted;
    type Printer = Unprinted;
    type Dumper = Self;
    fn this(self) -> Self {
        self
    }
}
impl<T: fmt::Debug + 'static> SinkOf<T> for names::debug {
    type Sink = Debugged<T>;
    fn sink_of(self) -> Debugged<T> {
        Debugged::new()
    }
}

/// The sink that [`stdout`] makes. Each batch is one write under one lock, so lines of several workers never mix.
///
/// # Errors
/// Writing fails if the output does; if its reader has gone away (`program | head`), with [`OutputClosed`].
pub struct Stdout<T> {
    lines: String,
    takes: PhantomData<fn(T)>,
}

/// The sink that [`debug`] makes. It writes and fails as [`Stdout`] does.
pub struct Debugged<T> {
    lines: String,
    takes: PhantomData<fn(T)>,
}

impl<T: fmt::Display + 'static> Sink for Stdout<T> {
    type In = T;

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        print(&mut self.lines, batch, |lines, record| writeln!(lines, "{record}"))
    }
}

impl<T: fmt::Debug + 'static> Sink for Debugged<T> {
    type In = T;

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        print(&mut self.lines, batch, |lines, record| writeln!(lines, "{record:?}"))
    }
}

impl<T> Stdout<T> {
    /// The sink itself.
    pub fn new() -> Self {
        Stdout { lines: String::new(), takes: PhantomData }
    }
}
impl<T> Default for Stdout<T> {
    fn default() -> Self {
        Stdout::new()
    }
}
impl<T> fmt::Debug for Stdout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stdout")
    }
}

impl<T> Debugged<T> {
    /// The sink itself.
    pub fn new() -> Self {
        Debugged { lines: String::new(), takes: PhantomData }
    }
}
impl<T> Default for Debugged<T> {
    fn default() -> Self {
        Debugged::new()
    }
}
impl<T> fmt::Debug for Debugged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Debugged")
    }
}

fn print<T>(lines: &mut String, batch: &mut Vec<T>, format: impl Fn(&mut String, &T) -> fmt::Result) -> Result<()> {
    lines.clear();
    for record in batch.drain(..) {
        // Writing to memory fails only if the record's own `fmt` does.
        format(lines, &record).map_err(|_| Error::custom("a record's own formatting returned an error"))?;
    }
    if lines.is_empty() {
        return Ok(());
    }
    let mut output = io::stdout().lock();
    output.write_all(lines.as_bytes()).and_then(|()| output.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Error::custom(OutputClosed(error)),
        _ => Error::file("write to", "standard output")(error),
    })
}

/// Nobody reads the standard output any more, as when `head` has seen enough. A job ends quietly on it.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the standard output any more")]
pub struct OutputClosed(#[source] io::Error);

/// Whether a job ended because nobody reads its standard output any more.
///
/// ```
/// use malstrom_core::{Error, connect::output_closed};
/// assert!(!output_closed(&Error::custom("something else")));
/// ```
#[must_use]
pub fn output_closed(error: &Error) -> bool {
    match error {
        Error::Connector { cause, .. } => output_closed(cause),
        Error::Custom(error) => error.is::<OutputClosed>(),
        _ => false,
    }
}
