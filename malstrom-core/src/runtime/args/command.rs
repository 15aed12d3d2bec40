//! What a program does besides running its job: it looks inside snapshots, and asks for savepoints.
use super::{RuntimeArgs, duration, log, or_refuse, refuse};
use crate::connect::output_closed;
use crate::error::{Error, Result};
use crate::graph::Pipeline;
use crate::runtime::inside::{self, Wanted};
use crate::runtime::{asking, check_name};
use crate::snapshot::Location;
use crate::worker::panic_message;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// The subcommands `snapshot` and `savepoint`, which every program has that calls [`run`](crate::run). Programs with flags of
/// their own add them to these:
///
/// ```
/// use clap::Parser;
/// #[derive(Parser)]
/// struct Args {
///     #[command(flatten)]
///     runtime: malstrom_core::RuntimeArgs,
///     #[command(subcommand)]
///     command: Option<malstrom_core::SnapshotCommand>,
///     /// Where to read from.
///     #[arg(long, default_value = "data.csv")]
///     input: std::path::PathBuf,
/// }
/// # use malstrom_core::{Graph, Pipeline};
/// # fn my_pipeline(_: std::path::PathBuf) -> Pipeline { Graph::new("p").finish() }
/// fn run(args: Args) -> malstrom_core::Result<()> {
///     let pipeline = move || my_pipeline(args.input.clone());
///     match args.command {
///         Some(command) => command.run(args.runtime, pipeline),
///         None => args.runtime.run(pipeline).map(|report| println!("{report}")),
///     }
/// }
/// run(Args::parse_from(["job", "--snapshots", "memory://command", "snapshot", "list"]))?;
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Debug, clap::Subcommand)]
#[non_exhaustive]
pub enum SnapshotCommand {
    /// Looks inside the snapshots that lie at `--snapshots`
    #[command(subcommand, name = "snapshot")]
    Look(Look),
    /// Asks the job that runs with these `--snapshots` for a savepoint, and waits for it
    #[non_exhaustive]
    Savepoint {
        /// What it is called, as in `--restore NAME`: letters, digits, `-`, `_` and `.`
        #[arg(value_parser = savepoint_name)]
        name: String,
        /// How long to wait: 30s, 10m, 1h
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration::pause)]
        timeout: Duration,
    },
}
/// What is looked at.
#[derive(Clone, Debug, clap::Subcommand)]
#[non_exhaustive]
pub enum Look {
    /// Lists the snapshots and savepoints, and by what they are restored
    List,
    /// Shows the state of an operator as lines of JSON: its keys, what is kept for them, and their timers
    #[non_exhaustive]
    Show {
        /// Which snapshot: its number, the name of a savepoint, or latest
        which: String,
        /// The id of the operator, as in the report: fraud/score
        operator: String,
        /// Show only what is kept for this key, in JSON or as plain text
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Show at most so many lines
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Reads all there is and checks it; ends with 1 if something is damaged
    Verify,
}
fn savepoint_name(name: &str) -> Result<String, String> {
    check_name(name).map(|()| name.to_owned())
}

impl SnapshotCommand {
    /// Does what is asked for, with the location and the log settings of these flags, and prints it. The job does not run,
    /// and if one does elsewhere it is not disturbed. A wrong command line, such as one that names a snapshot or an operator that
    /// is not there, ends the process with 2.
    ///
    /// # Errors
    /// If something cannot be read, is damaged, or is not there in time.
    pub fn run(self, args: RuntimeArgs, pipeline: impl Fn() -> Pipeline) -> Result<()> {
        log::init(args.log, args.log_format);
        let location = match &args.snapshots {
            Some(url) => url.parse::<Location>().unwrap_or_else(|error| refuse(&error)),
            None => refuse(&Error::Config(
                "say where the snapshots lie: put `--snapshots URL` before the command, or set MALSTROM_SNAPSHOTS"
                    .into(),
            )),
        };
        let mut out = BufWriter::new(std::io::stdout().lock());
        let outcome = self.perform(&location, pipeline, &mut out).and_then(|()| Ok(out.flush()?));
        match outcome {
            // `.. | head`: the reader has what it wanted.
            Err(error) if output_closed(&error) || is_broken_pipe(&error) => Ok(()),
            outcome => or_refuse(outcome),
        }
    }
    fn perform(self, location: &Location, pipeline: impl Fn() -> Pipeline, out: &mut impl Write) -> Result<()> {
        match self {
            SnapshotCommand::Look(Look::List) => inside::list(location, out),
            SnapshotCommand::Look(Look::Verify) => inside::verify(location, out, &mut std::io::stderr()),
            SnapshotCommand::Look(Look::Show { which, operator, key, limit }) => {
                let pipeline = catch_unwind(AssertUnwindSafe(pipeline)).map_err(|payload| Error::Panic {
                    operator: "the pipeline function".into(),
                    message: panic_message(&*payload),
                })?;
                inside::show(location, pipeline.plan(), &Wanted { which, operator, key, limit }, out)
            }
            SnapshotCommand::Savepoint { name, timeout } => {
                let saved = asking::savepoint(location, &name, timeout)?;
                writeln!(out, "{saved} is there: `--restore {}`", saved.to_restore())?;
                Ok(())
            }
        }
    }
}
fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Custom(cause) if cause.downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe))
}
