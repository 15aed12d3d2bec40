//! The command line of a job.
mod cluster;
mod command;
mod duration;

pub use command::{Look, SnapshotCommand};

use super::clock::{Clock, cores};
use super::cluster::Outcome;
use super::cluster::local::{self, Part};
use super::environment::Flags;
use super::log::{self, LogFormat};
use super::{Begun, Latency, Report, Restore, Runtime, http, progress, shared, signals};
use crate::connect::output_closed;
use crate::contract::key::KeyGroups;
use crate::error::{Error, Result};
use crate::graph::Pipeline;
use clap::{CommandFactory, FromArgMatches, Parser};
use cluster::{ClusterArgs, Where};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// The flags that every job understands. Programs with flags of their own flatten it into them:
///
/// ```
/// use clap::Parser;
/// #[derive(Parser)]
/// struct Args {
///     /// Where to read from.
///     input: std::path::PathBuf,
///     #[command(flatten)]
///     runtime: malstrom_core::RuntimeArgs,
/// }
/// let args = Args::parse_from(["job", "data.csv", "--workers", "2"]);
/// // args.runtime.run(move || my_pipeline(args.input.clone()))
/// # let _ = (args.input, args.runtime);
/// ```
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Runtime")]
pub struct RuntimeArgs {
    /// How many workers (threads) to run [default: the number of cores]
    #[arg(long, value_name = "N", env = "MALSTROM_WORKERS")]
    workers: Option<usize>,
    /// How latency is traded for throughput: batches wait up to 10 ms, up to 1 ms, or not at all
    #[arg(long, value_enum, default_value = "balanced", env = "MALSTROM_LATENCY")]
    latency: Latency,
    /// Where snapshots are kept: file:///dir, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or
    /// memory://name. Without it there are none, and a failure ends the job
    #[arg(long, value_name = "URL", env = "MALSTROM_SNAPSHOTS", global = true)]
    snapshots: Option<String>,
    /// How often a snapshot is taken: 500ms, 10s, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::pause, env = "MALSTROM_EVERY")]
    every: Duration,
    /// What to restore the job from: latest, none, the number of a snapshot or the name of a savepoint
    #[arg(long, value_name = "WHICH", default_value = "latest", env = "MALSTROM_RESTORE")]
    restore: Restore,
    /// Let go of the state of an operator that the pipeline has no more (fraud/score); may be given several times
    #[arg(long, value_name = "OPERATOR")]
    drop_state: Vec<String>,
    /// How often in a row the job is restarted after a failure, without a snapshot in between
    #[arg(long, value_name = "N", default_value_t = super::RESTARTS, env = "MALSTROM_RESTARTS")]
    restarts: u32,
    /// How many key groups there are: a power of two from 128 to 32768. Those of a snapshot are split if it has fewer [default: as many
    /// as the snapshot has, and 4096 if there is none]
    #[arg(long, value_name = "K", env = "MALSTROM_KEY_GROUPS")]
    key_groups: Option<KeyGroups>,
    /// Let the number of workers change while the job runs, without snapshots too. All state must be of types that can be
    /// written then
    #[arg(long, env = "MALSTROM_ELASTIC")]
    elastic: bool,
    /// Move key groups by themselves from a worker that has far more to do than the others; the job takes snapshots, or is elastic. Of the
    /// processes of a job only its coordinator needs this
    #[arg(long, env = "MALSTROM_REBALANCE")]
    rebalance: bool,
    /// Answer over HTTP what the job does, and take savepoints and the order to stop: 127.0.0.1:8080. Port 0 takes one that is
    /// free
    #[arg(long, value_name = "ADDR", env = "MALSTROM_HTTP")]
    http: Option<String>,
    /// The file of the token that HTTP requests must have; the variable MALSTROM_HTTP_TOKEN may hold the token itself
    #[arg(long, value_name = "PATH", requires = "http", env = "MALSTROM_HTTP_TOKEN_FILE")]
    http_token_file: Option<PathBuf>,
    /// Answer without a token, and let processes speak to each other in plain text, also beyond this machine: whoever reaches them
    /// can stop the job, and read and change its records
    #[arg(long, env = "MALSTROM_INSECURE")]
    insecure: bool,
    /// Print the graph as a mermaid flowchart and exit
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// What to log to standard error: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn", env = "MALSTROM_LOG")]
    log: LevelFilter,
    /// The form of log lines
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text", env = "MALSTROM_LOG_FORMAT")]
    log_format: LogFormat,
}

/// The command line of a program that is nothing but a pipeline.
#[derive(Parser)]
#[command(about = "Runs a stream processing job to the end of its input", long_about = None)]
struct Program {
    #[command(flatten)]
    runtime: RuntimeArgs,
    #[command(subcommand)]
    command: Option<SnapshotCommand>,
}

/// Runs a pipeline to its end, with the flags of [`RuntimeArgs`] from the command line and from `MALSTROM_*` variables.
/// The function is called once per worker, on its thread.
///
/// With the subcommands `snapshot` and `savepoint` ([`SnapshotCommand`]) the job does not run: what is asked for is printed, and
/// the process ends.
///
/// On a bad command line or configuration, which includes a snapshot that is not there or is not of this job, it prints what is
/// wrong and exits with 2. SIGINT and SIGTERM end the sources; what is under way
/// is drained, and the report is returned. A second signal ends the process at once.
///
/// # Errors
/// What ended the job before its input did.
///
/// ```no_run
/// # fn my_pipeline() -> malstrom_core::Pipeline { malstrom_core::Graph::new("p").finish() }
/// fn main() -> malstrom_core::Result<()> {
///     println!("{}", malstrom_core::run(my_pipeline)?);
///     Ok(())
/// }
/// ```
pub fn run(pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Report> {
    let matches = Program::command().get_matches();
    match Program::from_arg_matches(&matches) {
        Ok(Program { runtime, command: None }) => runtime.run(pipeline),
        Ok(Program { runtime, command: Some(command) }) => {
            command.run(runtime, pipeline)?;
            std::process::exit(0)
        }
        Err(error) => error.exit(),
    }
}

/// Plays the part of this process in a job that has several.
fn among(
    runtime: &Runtime,
    flags: Flags,
    part: Option<Part>,
    pipeline: impl Fn() -> Pipeline + Send + Sync + 'static,
) -> Result<Report> {
    let begun = or_refuse(runtime.start_in(Arc::new(flags), Arc::new(pipeline), say_where));
    match begun {
        Ok(Begun::Coordinator(lead, server)) => {
            let stop: Arc<dyn signals::Stop> = lead.clone();
            signals::stop_on_signal(Arc::downgrade(&stop))?;
            drop(stop);
            progress::watch(&*lead);
            local::over(part);
            server.iter().for_each(http::Server::stop);
            match or_refuse(lead.outcome())? {
                Outcome::Ended(report) => Ok(*report),
                Outcome::Relieved(why) => {
                    // Nobody may be there to read it.
                    let _ = writeln!(std::io::stderr(), "standby: {why}, and this coordinator was not needed");
                    std::process::exit(0)
                }
            }
        }
        // The report is for the coordinator to print.
        Ok(Begun::Done(gone)) => std::process::exit(local::code(part, gone)),
        Err(error) => {
            tracing::error!("{error:?}");
            std::process::exit(1)
        }
    }
}

/// Says where this process answers. Also for programs: port 0 is only known here.
fn say_where(address: SocketAddr) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "http: listening on http://{address}");
}

/// Says what is wrong with the configuration, and ends the process.
fn refuse(error: &Error) -> ! {
    eprintln!("error: {error:?}");
    std::process::exit(2)
}
/// The same, if the configuration is what is wrong.
fn or_refuse<T>(outcome: Result<T>) -> Result<T> {
    match outcome {
        Err(error @ Error::Config(_)) => refuse(&error),
        outcome => outcome,
    }
}

impl RuntimeArgs {
    /// As [`run`], for a program with flags of its own.
    ///
    /// # Errors
    /// What ended the job before its input did.
    pub fn run(self, pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Report> {
        if self.plan {
            // Whoever closed the pipe has seen enough.
            let pipeline = pipeline();
            let _ = match &self.snapshots {
                Some(_) => write!(std::io::stdout(), "{}", pipeline.plan().with_guarantees()),
                None => write!(std::io::stdout(), "{}", pipeline.plan()),
            };
            std::process::exit(0);
        }
        log::init(self.log, self.log_format);
        let part = local::part();
        let security = or_refuse(self.cluster.security(self.insecure))?;
        let place = or_refuse(self.cluster.place(part))?;
        if let Where::Local { processes } = place {
            // Said once, and not by all who are started.
            let location = self.snapshots.as_deref().map(str::parse).transpose();
            or_refuse(location.and_then(|location| shared(location, |location| location)))?;
            std::process::exit(or_refuse(local::run(processes, Clock::start()))?);
        }
        let mut builder = Runtime::builder().latency(self.latency);
        // The processes of one machine share its cores.
        let shared = match &place {
            Where::Among(flags) if part.is_some() => Some((cores() / flags.processes).max(1)),
            _ => None,
        };
        if let Some(workers) = self.workers.or(shared) {
            builder = builder.workers(workers);
        }
        builder = builder.elastic(self.elastic).rebalance(self.rebalance);
        if let Some(key_groups) = self.key_groups {
            builder = builder.key_groups(key_groups.count());
        }
        if let Some(url) = &self.snapshots {
            builder = builder.snapshots(url.as_str(), self.every).restarts(self.restarts);
        }
        // Who coordinates a job that another one has begun does not begin it anew.
        let again = matches!(part, Some(Part::Coordinator { again: true, .. }));
        builder = builder.restore(if again { Restore::Latest } else { self.restore }).security(security);
        for operator in self.drop_state {
            builder = builder.drop_state(operator);
        }
        let http = match part {
            Some(part) => self.http.map(|address| part.serves(address)),
            None => self.http,
        };
        if let Some(address) = http {
            let settings = http::Settings::read(address, self.http_token_file.as_deref(), self.insecure);
            builder = builder.http_with(settings.unwrap_or_else(|error| refuse(&error)));
        }
        let runtime = builder.build().unwrap_or_else(|error| refuse(&error));
        if let Where::Among(flags) = place {
            return among(&runtime, flags, part, pipeline);
        }
        let handle = or_refuse(runtime.start(pipeline))?;
        let job: Arc<dyn signals::Stop> = handle.job.clone();
        signals::stop_on_signal(Arc::downgrade(&job))?;
        drop(job);
        if let Some(address) = handle.http() {
            say_where(address);
        }
        tracing::debug!("SIGINT and SIGTERM end the sources");
        progress::watch(&*handle.job);
        let outcome = handle.join();
        if outcome.as_ref().is_err_and(output_closed) {
            // `job | head`: the reader has what it wanted, and there is nobody to tell.
            std::process::exit(0);
        }
        // Only the workers know some of what is wrong, such as state that none of them wants.
        or_refuse(outcome)
    }
}
