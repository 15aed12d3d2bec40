//! Logs: changes of state, never records.
use tracing_subscriber::filter::LevelFilter;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends logs to standard error, unless the program has set up its own.
pub(crate) fn init(level: LevelFilter, format: LogFormat) {
    let logs = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // It fails where the program has installed a subscriber of its own, which is then the one to use.
    let _ = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
}
