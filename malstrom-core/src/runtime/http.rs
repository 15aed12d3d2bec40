//! What a job tells over HTTP, and what it is told: its status and its metrics, savepoints and the order to stop.
//!
//! A [`Console`] is what there is to ask of a job; whatever runs one implements it. The server knows nothing else of the job.
//! It runs on a thread of its own, so that no worker ever waits for it.
mod cluster;
mod console;
mod figures;
mod guard;
mod metrics;
mod process;
mod routes;
mod server;
mod text;
mod threads;
mod views;

pub(crate) use console::Console;
pub(crate) use server::Server;
pub(crate) use views::PlanView;

use crate::error::{Error, Result};
use guard::Token;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

/// The variable that holds the token.
const TOKEN: &str = "MALSTROM_HTTP_TOKEN";

/// Where a job listens, and whom it answers.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) address: String,
    pub(crate) token: Option<Token>,
    /// Whether it may listen where others can reach it, without a token.
    pub(crate) insecure: bool,
}
impl Settings {
    /// With the token in a file, or else in the variable, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read, or what is given is no token.
    pub(crate) fn read(address: String, file: Option<&Path>, insecure: bool) -> Result<Self> {
        let token = match (file, std::env::var_os(TOKEN)) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|cause| {
                    Error::Config(format!(
                        "the token of `--http-token-file` cannot be read from `{}`: {cause}",
                        file.display()
                    ))
                })?;
                Some(Token::new(&text).map_err(|why| Error::Config(format!("`{}` {why}", file.display())))?)
            }
            (None, Some(text)) if !text.is_empty() => {
                Some(Token::new(&text.to_string_lossy()).map_err(|why| Error::Config(format!("`{TOKEN}` {why}")))?)
            }
            (None, _) => None,
        };
        Ok(Settings { address, token, insecure })
    }
}

/// A socket that is open, and whom it is for.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<Token>,
}

/// Opens the socket. This is done before anything else, so that a job that cannot be asked does not begin.
///
/// # Errors
/// [`Error::Config`] if the address is none, is not free, or can be reached from elsewhere and there is no token.
pub(crate) fn bind(settings: Settings) -> Result<Bound> {
    let Settings { address, token, insecure } = settings;
    let found = address.to_socket_addrs().map(Vec::from_iter);
    let addresses = found.map_err(|cause| {
        Error::Config(format!("`{address}` is no address to listen on: write one such as `127.0.0.1:8080` ({cause})"))
    })?;
    if token.is_none() && !insecure && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(Error::Config(format!(
            "whoever reaches `{address}` could stop this job: give it a token by `--http-token-file` or `{TOKEN}`, listen on \
             127.0.0.1, or say `--insecure` if the network lets in nobody else"
        )));
    }
    let bound = TcpListener::bind(&addresses[..]).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    let (listener, at) = bound.map_err(|cause| {
        Error::Config(format!("cannot listen on `{address}`: {cause}. Choose another port, or 0 for one that is free"))
    })?;
    Ok(Bound { listener, address: at, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(address: &str, token: Option<&str>, insecure: bool) -> Result<Bound> {
        let token = token.map(|token| Token::new(token).unwrap());
        bind(Settings { address: address.into(), token, insecure })
    }

    #[test]
    fn who_can_be_reached_from_elsewhere_needs_a_token() {
        for address in ["0.0.0.0:0", "[::]:0"] {
            let refused = bound(address, None, false).unwrap_err();
            assert!(matches!(&refused, Error::Config(why) if why.contains("--http-token-file")), "{refused}");
        }
        bound("0.0.0.0:0", Some("secret"), false).unwrap();
        bound("0.0.0.0:0", None, true).unwrap();
        bound("127.0.0.1:0", None, false).unwrap();
        bound("localhost:0", None, false).unwrap();
    }
    #[test]
    fn an_address_must_be_one_and_free() {
        for address in ["", "8080", "127.0.0.1", "127.0.0.1:99999"] {
            let refused = bound(address, None, false).unwrap_err().to_string();
            assert!(refused.contains("such as `127.0.0.1:8080`"), "{refused}");
        }
        let first = bound("127.0.0.1:0", None, false).unwrap();
        let refused = bound(&first.address.to_string(), None, false).unwrap_err().to_string();
        assert!(refused.contains("Choose another port"), "{refused}");
    }
    #[test]
    fn no_token_is_printed() {
        let settings = Settings { address: "h".into(), token: Some(Token::new("hush-hush").unwrap()), insecure: false };
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    }
}
