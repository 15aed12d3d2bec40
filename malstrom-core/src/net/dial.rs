//! Connecting, and both ends' part in the handshake.
use super::holder::{Holder, Holders};
use super::identity::{Greeting, Identity, IdentityError, Lane, PREFIX, Refusal};
use super::io::Stream;
use super::tls::{Tls, host};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long it may take until both ends know each other.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("cannot {doing} `{address}`: {cause}")]
    Io { doing: &'static str, address: String, cause: std::io::Error },
    #[error("`{address}` has not answered within {PATIENCE:?}; check that a process of the job listens there")]
    Slow { address: String },
    #[error("cannot agree with `{address}`: {cause}")]
    Identity { address: String, cause: IdentityError },
    #[error("`{address}` refuses this process: {}", refusal.reason)]
    Refused { address: String, refusal: Refusal },
    #[error("this process refuses `{address}`: {reason}")]
    Unfit { address: String, reason: String },
}
impl DialError {
    /// Whether it is for ever.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, DialError::Refused { refusal, .. } if !refusal.again)
    }
    /// Whether one end does not want the other.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            DialError::Refused { refusal, .. } => !refusal.early,
            DialError::Unfit { .. } | DialError::Identity { cause: IdentityError::Version { .. }, .. } => true,
            _ => false,
        }
    }
}

/// Why there is no greeting.
#[derive(Debug, thiserror::Error)]
pub(super) enum GreetError {
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}
impl GreetError {
    fn at(self, address: &str) -> DialError {
        let address = address.to_owned();
        match self {
            GreetError::Io(cause) => DialError::Io { doing: "greet", address, cause },
            GreetError::Identity(cause) => DialError::Identity { address, cause },
        }
    }
}

/// Reads one greeting, and nothing of what follows it.
pub(super) async fn hear(stream: &mut Stream) -> Result<Greeting, GreetError> {
    let mut prefix = [0; PREFIX];
    stream.read_exact(&mut prefix).await?;
    let mut payload = vec![0; Greeting::length(&prefix)?];
    stream.read_exact(&mut payload).await?;
    Ok(Greeting::parse(&payload)?)
}
pub(super) async fn say(stream: &mut Stream, greeting: &Greeting) -> Result<(), GreetError> {
    stream.write_all(&greeting.encode()?).await?;
    Ok(stream.flush().await?)
}
/// Says why not, and makes sure that the other end can read it.
pub(super) async fn refuse(stream: &mut Stream, refusal: Refusal) {
    let told = async {
        say(stream, &Greeting::Refused(refusal)).await?;
        stream.shutdown().await?;
        // A connection that is closed while something is unread is reset, and what was said last gets lost.
        let mut rest = [0; 1024];
        for _ in 0..64 {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok::<(), GreetError>(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
}

/// Connects a lane to a process.
pub(super) async fn dial(
    address: &str,
    identity: &Identity,
    lane: Lane,
    tls: Option<&Tls>,
) -> Result<Stream, DialError> {
    match tokio::time::timeout(PATIENCE, connect(address, identity, lane, tls)).await {
        Ok(connected) => connected,
        Err(_) => Err(DialError::Slow { address: address.to_owned() }),
    }
}
async fn connect(address: &str, identity: &Identity, lane: Lane, tls: Option<&Tls>) -> Result<Stream, DialError> {
    let cannot = |doing| move |cause| DialError::Io { doing, address: address.to_owned(), cause };
    let tcp = TcpStream::connect(address).await.map_err(cannot("connect to"))?;
    tcp.set_nodelay(true).map_err(cannot("connect to"))?;
    let (mut stream, holders): (Stream, Holders) = match tls {
        Some(tls) => {
            let (stream, holders) = tls.connect(host(address), tcp).await.map_err(cannot("use TLS with"))?;
            (Box::new(stream), holders)
        }
        None => (Box::new(tcp), Holders::default()),
    };
    let wanted = match lane {
        Lane::Data { to, .. } => Holder::Process(to),
        Lane::Control => Holder::Coordinator,
    };
    holders.check(wanted).map_err(|reason| DialError::Unfit { address: address.to_owned(), reason })?;
    let refused = |refusal| DialError::Refused { address: address.to_owned(), refusal };
    say(&mut stream, &Greeting::Hello(identity.clone(), lane)).await.map_err(|error| error.at(address))?;
    match hear(&mut stream).await.map_err(|error| error.at(address))? {
        Greeting::Welcome(theirs) => {
            if let Some(reason) = identity.mismatch(&theirs) {
                refuse(&mut stream, Refusal::for_now(&*reason)).await;
                return Err(DialError::Unfit { address: address.to_owned(), reason });
            }
            say(&mut stream, &Greeting::Ready).await.map_err(|error| error.at(address))?;
            Ok(stream)
        }
        Greeting::Refused(refusal) => Err(refused(refusal)),
        Greeting::Hello(..) | Greeting::Ready => {
            Err(DialError::Identity { address: address.to_owned(), cause: IdentityError::OutOfTurn })
        }
    }
}
