//! Logs: changes of state, never records.
use std::io::IsTerminal;
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
    // Colours are for eyes: files and collectors get plain text, and so does who asks for it (no-color.org).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logs = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(colours)
        // Where standard error is closed, complaining there about it would panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    // It fails where the program has installed a subscriber of its own, which is then the one to use.
    let _ = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
}
