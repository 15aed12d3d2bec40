//! TLS: both ends of a connection show a certificate that the authority of the job has signed.
//!
//! The files are read again for the next connection after they have changed, so certificates can be renewed while a job runs.
//! Connections that exist go on with the old ones.
use super::holder::Holders;
use crate::error::{Error, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// Certificate and key of this process, and the authority that signs those of all.
#[derive(Clone)]
pub struct Tls(Arc<Files>);
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.0.cert.display())
    }
}
struct Files {
    cert: PathBuf,
    key: PathBuf,
    ca: PathBuf,
    read: Mutex<Read>,
}
/// What the files had in them.
struct Read {
    stamps: [Stamp; 3],
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}
/// When a file was changed, and how long it is.
type Stamp = Option<(SystemTime, u64)>;

impl Tls {
    /// Reads the certificate of this process (with those between it and the authority, if there are any), its private key, and
    /// the certificate of the authority, all in PEM.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn load(cert: &Path, key: &Path, ca: &Path) -> Result<Tls> {
        let read = Mutex::new(read(cert, key, ca)?);
        Ok(Tls(Arc::new(Files { cert: cert.to_owned(), key: key.to_owned(), ca: ca.to_owned(), read })))
    }
    /// What is in the files now.
    fn configs(&self) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        let Files { cert, key, ca, read: known } = &*self.0;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = [cert, key, ca].map(|path| stamp(path));
        if stamps != known.stamps {
            match read(cert, key, ca) {
                Ok(fresh) => *known = fresh,
                // They may be about to be replaced one by one; until they fit, the old ones are good.
                Err(error) => tracing::warn!("the certificates have changed, but the old ones are used on: {error:?}"),
            }
        }
        (known.client.clone(), known.server.clone())
    }
    /// Connects, and says whom the other end may be by its certificate.
    pub(super) async fn connect(&self, host: &str, tcp: TcpStream) -> io::Result<(TlsStream<TcpStream>, Holders)> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{host:?} is no host name: {error}"))
        })?;
        with_holders(TlsConnector::from(self.configs().0).connect(name, tcp).await?.into())
    }
    /// The same for who is connected to.
    pub(super) async fn accept(&self, tcp: TcpStream) -> io::Result<(TlsStream<TcpStream>, Holders)> {
        with_holders(TlsAcceptor::from(self.configs().1).accept(tcp).await?.into())
    }
}
fn with_holders(stream: TlsStream<TcpStream>) -> io::Result<(TlsStream<TcpStream>, Holders)> {
    let unusable = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let certificate = certificates.first().ok_or_else(|| unusable("the other end has shown no certificate".into()))?;
    let holders = Holders::of(certificate);
    let holders = holders.map_err(|why| unusable(format!("the certificate of the other end cannot be read: {why}")))?;
    Ok((stream, holders))
}
fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}
fn read(cert: &Path, key: &Path, ca: &Path) -> Result<Read> {
    // Before they are read: what changes in between is read again.
    let stamps = [cert, key, ca].map(stamp);
    let unusable = |path: &Path, why: String| Error::Config(format!("cannot use `{}` for TLS: {why}", path.display()));
    let chain = certificates(cert)?;
    let mut roots = RootCertStore::empty();
    for root in certificates(ca)? {
        roots.add(root).map_err(|error| unusable(ca, format!("it is no authority's certificate: {error}")))?;
    }
    let roots = Arc::new(roots);
    let private = || {
        let bytes = std::fs::read(key).map_err(Error::file("read", key))?;
        // What is wrong with it is said without what is in it.
        PrivateKeyDer::from_pem_slice(&bytes)
            .map_err(|_| unusable(key, "there is no private key in PEM in it".to_owned()))
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let fits = |error: rustls::Error| unusable(cert, format!("with the key `{}`: {error}", key.display()));
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(fits)?
        .with_root_certificates(roots.clone())
        .with_client_auth_cert(chain.clone(), private()?)
        .map_err(fits)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| unusable(ca, error.to_string()))?;
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(fits)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, private()?)
        .map_err(fits)?;
    Ok(Read { stamps, client: Arc::new(client), server: Arc::new(server) })
}
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |why: String| Error::Config(format!("cannot use `{}` for TLS: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unusable("there is no certificate in PEM in it".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// The host of an address `host:port`, without the brackets of `[::1]:80`.
pub(super) fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
/// Whether an address (`host:port`) can be reached from its own machine only, so that it needs no TLS. Of names, only
/// `localhost` is believed to be.
///
/// ```
/// use malstrom_core::net::is_loopback;
/// assert!(is_loopback("127.0.0.1:7000") && is_loopback("[::1]:7000") && is_loopback("localhost:7000"));
/// assert!(!is_loopback("0.0.0.0:7000") && !is_loopback("10.0.0.7:7000") && !is_loopback("127.0.0.1.example.com:7000"));
/// ```
pub fn is_loopback(address: &str) -> bool {
    let host = host(address);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}
