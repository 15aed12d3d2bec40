//! The flags of a job in several processes.
use super::duration;
use crate::error::{Error, Result};
use crate::net::Tls;
use crate::runtime::cluster::Security;
use crate::runtime::cluster::local::Part;
use crate::runtime::environment::{Flags, Role};
use std::path::PathBuf;
use std::time::Duration;

/// Where a coordinator listens, unless something else is said.
const COORDINATOR: &str = "127.0.0.1:7070";

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ClusterArgs {
    /// Run the workers in N processes of this machine, which are started and started again; with `--role coordinator`, how many there
    /// are to be
    #[arg(long, value_name = "N", env = "MALSTROM_PROCESSES")]
    processes: Option<usize>,
    /// With how many processes the job goes on if the others do not come back [default: all of them]
    #[arg(long, value_name = "N", env = "MALSTROM_MIN_PROCESSES")]
    min_processes: Option<usize>,
    /// What this process does: all, coordinate the workers of others, or have workers
    #[arg(long, value_enum, default_value = "all", env = "MALSTROM_ROLE")]
    role: Role,
    /// With `--role coordinator`: wait until the coordinator that is there shows no sign of life, and take over then
    #[arg(long, env = "MALSTROM_STANDBY")]
    standby: bool,
    /// How often a coordinator shows that it is there, by an object beside the snapshots, and how often a standby looks for it
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration::pause, env = "MALSTROM_HEARTBEAT")]
    heartbeat: Duration,
    /// For how long nothing is seen of the coordinator until a standby takes over
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::pause, env = "MALSTROM_TAKEOVER")]
    takeover: Duration,
    /// For how long a process reads its sources without a coordinator; after that it keeps what it has, and waits for one
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration::pause, env = "MALSTROM_FENCE_AFTER")]
    fence_after: Duration,
    /// Where the coordinator is, for a process with workers; may name several, separated by commas: each is tried in turn
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', env = "MALSTROM_JOIN")]
    join: Vec<String>,
    /// Where to listen for other processes [default: 127.0.0.1:7070 for the coordinator, any free port of 127.0.0.1 for others]
    #[arg(long, value_name = "HOST:PORT", env = "MALSTROM_LISTEN")]
    listen: Option<String>,
    /// Where others reach this process, if not where it listens
    #[arg(long, value_name = "HOST:PORT", env = "MALSTROM_ADVERTISE")]
    advertise: Option<String>,
    /// The number of this process among those with workers, from 0: who comes with the number of another takes its place at once
    #[arg(long, value_name = "NUMBER", env = "MALSTROM_PROCESS")]
    process: Option<u32>,
    /// The certificate of this process, in PEM; with this and the next two, all connections between processes are encrypted
    #[arg(long, value_name = "FILE", env = "MALSTROM_TLS_CERT", requires_all = ["tls_key", "tls_ca"])]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM
    #[arg(long, value_name = "FILE", env = "MALSTROM_TLS_KEY", requires_all = ["tls_cert", "tls_ca"])]
    tls_key: Option<PathBuf>,
    /// The certificates of those who sign for the processes of this job, in PEM
    #[arg(long, value_name = "FILE", env = "MALSTROM_TLS_CA", requires_all = ["tls_cert", "tls_key"])]
    tls_ca: Option<PathBuf>,
}
/// Where a job runs.
pub(super) enum Where {
    /// In this process.
    Here,
    /// In processes of this machine, which this one is to start.
    Local { processes: usize },
    /// This is one of its processes.
    Among(Flags),
}
impl ClusterArgs {
    pub(super) fn security(&self, insecure: bool) -> Result<Security> {
        let tls = match (&self.tls_cert, &self.tls_key, &self.tls_ca) {
            (Some(cert), Some(key), Some(ca)) => Some(Tls::load(cert, key, ca)?),
            _ => None,
        };
        Ok(Security { tls, insecure })
    }
    /// Where the job runs, and `part` of it if this process was started for one.
    pub(super) fn place(self, part: Option<Part>) -> Result<Where> {
        let wrong = |what: &str| Err(Error::Config(what.to_owned()));
        let processes = self.processes.unwrap_or(1);
        if processes == 0 || self.min_processes.is_some_and(|least| least == 0 || least > processes) {
            return wrong("a job has at least one process, and `--min-processes` is between 1 and `--processes`");
        }
        let min_processes = self.min_processes.unwrap_or(processes);
        if self.standby && (part.is_some() || self.role != Role::Coordinator) {
            return wrong("`--standby` is for a process with `--role coordinator`: say so");
        }
        if self.takeover < self.heartbeat.saturating_mul(3) {
            return wrong("`--takeover` is at least three times `--heartbeat`, as a single one may be late");
        }
        let loopback = || "127.0.0.1:0".to_owned();
        let flags = Flags {
            role: self.role,
            process: self.process,
            processes,
            min_processes,
            standby: self.standby,
            heartbeat: self.heartbeat,
            takeover: self.takeover,
            fence_after: self.fence_after,
            listen: self.listen.clone().unwrap_or_else(loopback),
            advertise: self.advertise,
            join: self.join.clone(),
        };
        match (part, self.role) {
            (Some(Part::Coordinator { port, .. }), _) => {
                Ok(Where::Among(Flags { role: Role::Coordinator, listen: format!("127.0.0.1:{port}"), ..flags }))
            }
            (Some(Part::Worker { number, port }), _) => Ok(Where::Among(Flags {
                role: Role::Worker,
                process: Some(number),
                listen: loopback(),
                advertise: None,
                join: vec![format!("127.0.0.1:{port}")],
                ..flags
            })),
            (None, Role::All) => match self.processes {
                _ if !self.join.is_empty() => wrong("`--join` is for a process with `--role worker`: say so"),
                _ if self.listen.is_some() => wrong(
                    "`--listen` is for a process with `--role coordinator` or `--role worker`. One that were both would take the \
                         coordinator with it when what it computes runs out of memory, so start two processes, which may be on one machine",
                ),
                None => Ok(Where::Here),
                Some(processes) => Ok(Where::Local { processes }),
            },
            (None, Role::Coordinator) if self.processes.is_none() => {
                wrong("say for how many processes with workers the coordinator is to wait: `--processes N`")
            }
            (None, Role::Coordinator) if !self.join.is_empty() => {
                wrong("a coordinator joins nobody: `--join` is for a process with `--role worker`")
            }
            (None, Role::Coordinator) => {
                Ok(Where::Among(Flags { listen: self.listen.unwrap_or_else(|| COORDINATOR.into()), ..flags }))
            }
            (None, Role::Worker) if self.join.is_empty() => wrong("say where the coordinator is: `--join HOST:PORT`"),
            (None, Role::Worker) => Ok(Where::Among(flags)),
        }
    }
}
