//! The thread that answers.
use super::routes::router;
use super::{Bound, Console};
use crate::error::{Error, Result};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// So many connections are open at a time; others wait until one is closed.
const CONNECTIONS: usize = 64;
/// So many askers may wait for a savepoint.
const WAITING: usize = 16;
/// So long a client may take to say what it wants, also behind its last request.
const PATIENCE: Duration = Duration::from_secs(10);
/// When the job is over, answers that are under way have so long to get out.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often it is looked whether the job is over, if nobody says so.
const LOOK: Duration = Duration::from_millis(500);
/// After a failed `accept` there is a pause: what fails so, such as too many open files, would fail again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// A server that runs until its job is over.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}
impl Server {
    /// Answers what is asked on a socket about a job.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(bound: Bound, console: Arc<dyn Console>) -> Result<Server> {
        let Bound { listener, address, token } = bound;
        let cause = |cause: std::io::Error| Error::Runtime { doing: "start the HTTP server", cause: cause.into() };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(WAITING)
            .thread_name("malstrom-http-wait")
            .build()
            .map_err(cause)?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("malstrom-http".into());
        let begun = thread.spawn(move || {
            let app = router(console.clone(), token);
            if let Err(error) = runtime.block_on(serve(listener, app, &*console, stopped)) {
                tracing::error!(cause = ?error, "the HTTP server has failed; the job goes on without it");
            }
            // Who waits for a savepoint is not waited for.
            runtime.shutdown_background();
        });
        let thread = Mutex::new(Some(begun.map_err(cause)?));
        tracing::info!(%address, "HTTP server listens");
        Ok(Server { address, stop, thread })
    }
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
    /// Has answers that are under way get out, and ends.
    pub(crate) fn stop(&self) {
        let _ = self.stop.send(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the HTTP server has panicked");
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    app: Router,
    console: &dyn Console,
    stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let (close, closing) = watch::channel(false);
    let mut open = JoinSet::new();
    let end = over(console, stopped);
    tokio::pin!(end);
    loop {
        while open.try_join_next().is_some() {}
        tokio::select! {
            () = &mut end => break,
            (permit, accepted) = accept(&listener, &room) => match accepted {
                Ok(stream) => {
                    let (app, closing) = (app.clone(), closing.clone());
                    open.spawn(async move {
                        answer(stream, app, closing).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::debug!(cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    let _ = close.send(true);
    let _ = tokio::time::timeout(FAREWELL, async { while open.join_next().await.is_some() {} }).await;
    Ok(())
}
/// Waits until somebody says that it is over, or if nobody is there to do so, until the job is.
async fn over(console: &dyn Console, mut stopped: watch::Receiver<bool>) {
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        while !console.is_over() {
            tokio::time::sleep(LOOK).await;
        }
    }
}
/// The next connection, once there is room for one.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, std::io::Result<TcpStream>) {
    // It is never closed.
    let permit = room.clone().acquire_owned().await.ok();
    (permit, listener.accept().await.map(|(stream, _)| stream))
}
/// Answers all that is asked on a connection.
async fn answer(stream: TcpStream, app: Router, mut closing: watch::Receiver<bool>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_headers(64);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    tokio::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = async { drop(closing.wait_for(|closing| *closing).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(cause = %error, "a connection has broken");
    }
}
