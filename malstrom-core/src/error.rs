//! Why a job could not start, or did not finish.
use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

/// The result of running a job, or of a source's or sink's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a job could not start, or did not finish.
///
/// [`Debug`](fmt::Debug) prints the whole chain of causes, so that `main() -> malstrom::Result<()>` reads well.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line, a variable or a setting is wrong.
    #[error("{0}")]
    Config(String),
    /// What a pipeline keeps is not what `malstrom.lock` says: see [`schema`](crate::schema).
    #[error("{0}")]
    Schema(String),
    /// A file or directory cannot be used.
    #[error("cannot {doing} `{}`", path.display())]
    File {
        /// The verb: `read`, `open`, `create`.
        doing: &'static str,
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// The contents of a file are not what they should be.
    #[error("{}:{line}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// An operator whose failures end the job (`?`) has failed.
    #[error("operator `{operator}` failed: {message}")]
    Operator {
        /// The operator's id.
        operator: String,
        /// Its error, printed.
        message: String,
    },
    /// User code panicked.
    #[error("operator `{operator}` panicked: {message}")]
    Panic {
        /// The operator's id.
        operator: String,
        /// The panic's message.
        message: String,
    },
    /// What an operator keeps cannot be written to a snapshot.
    #[error("what `{operator}` keeps cannot be written to a snapshot: {message}")]
    Unwritable {
        /// The operator's id.
        operator: String,
        /// Why not.
        message: String,
    },
    /// A source or a sink failed.
    #[error("`{connector}` failed")]
    Connector {
        /// The id of the source or sink.
        connector: String,
        /// Why.
        #[source]
        cause: Box<Error>,
    },
    /// What a snapshot has of an operator cannot be taken in.
    #[error("cannot restore {what} of `{operator}`")]
    Restore {
        /// The operator's id.
        operator: String,
        /// Which part of it.
        what: String,
        /// Why not, and what to do about it.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// Anything a user's source or sink reports.
    #[error("{0}")]
    Custom(Box<dyn StdError + Send + Sync>),
    /// The store of the snapshots cannot be used.
    #[error("cannot {doing} `{object}`")]
    Storage {
        /// The verb: `read`, `write`, `list`.
        doing: &'static str,
        /// The object, with the URL of the store. Without secrets.
        object: String,
        /// What the store said.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// What lies in the store of the snapshots is not what was written there.
    #[error("`{object}` is damaged: {message}")]
    Damaged {
        /// The object, with the URL of the store.
        object: String,
        /// What is wrong with it, and where.
        message: String,
    },
    /// A snapshot cannot be used by this job, or cannot be taken.
    #[error("{message}")]
    Snapshot {
        /// What it is about, and what can be done.
        message: String,
        /// What led to it.
        #[source]
        cause: Option<Box<Error>>,
    },
    /// Another coordinator has claimed the commit log, so this one must stop.
    #[error("another coordinator has taken over with term {term}; this one stops")]
    Fenced {
        /// The term of the other one.
        term: u64,
    },
    /// Nobody knows whether an entry is in the commit log. Only a new claim finds out.
    #[error("whether {what} is committed is not known; the job has to be restored from what is")]
    Uncertain {
        /// What was to be committed.
        what: String,
        /// Why its fate is not known.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// The port for other processes cannot be opened.
    #[error("cannot listen at `{address}`; choose another address, or end what listens there")]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// The runtime could not do its own work (start a thread, install a handler).
    #[error("cannot {doing}")]
    Runtime {
        /// What it tried.
        doing: &'static str,
        /// Why not.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// An error of your own, for sources and sinks.
    ///
    /// ```
    /// let error = malstrom_core::Error::custom("the device is off");
    /// assert_eq!(error.to_string(), "the device is off");
    /// ```
    pub fn custom(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error::Custom(error.into())
    }
    /// A maker of [`Error::File`], for `map_err`.
    ///
    /// ```
    /// use malstrom_core::Error;
    /// let read = std::fs::read("/no/such").map_err(Error::file("read", "/no/such"));
    /// assert_eq!(read.unwrap_err().to_string(), "cannot read `/no/such`");
    /// ```
    pub fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |cause| Error::File { doing, path, cause }
    }
    /// A snapshot cannot be used or taken, for no deeper cause.
    pub(crate) fn snapshot(message: impl Into<String>) -> Self {
        Error::Snapshot { message: message.into(), cause: None }
    }
    /// The same error, with the id of the source or sink that it happened in.
    pub fn in_connector(self, id: &str) -> Error {
        Error::Connector { connector: id.to_owned(), cause: Box::new(self) }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Custom(Box::new(error))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        // A transparent wrapper prints its content, so its own cause is the next new thing to say.
        let mut cause = match self {
            Error::Custom(inner) => inner.source(),
            other => other.source(),
        };
        while let Some(error) = cause {
            write!(f, "\n  because: {error}")?;
            // The cause of a connector's failure comes as the box that it lies in.
            let ours =
                error.downcast_ref::<Error>().or_else(|| error.downcast_ref::<Box<Error>>().map(|inner| &**inner));
            cause = match ours {
                Some(Error::Custom(inner)) => inner.source(),
                _ => error.source(),
            };
        }
        Ok(())
    }
}
