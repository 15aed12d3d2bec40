//! The thread of the network, and a connection as it sees it.
use super::frame::{Decoder, FrameError};
use crate::error::{Error, Result};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Tells what time it is: how long something has been running.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// How long a task may take to end when it is told to, before it is no longer waited for.
pub(super) const END: Duration = Duration::from_secs(1);
/// How much is encoded before it is written.
pub(super) const BATCH: usize = 256 << 10;

/// The thread on which all connections of a process are. It ends when this is dropped.
pub struct Io {
    handle: Handle,
    clock: Clock,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}
impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Io")
    }
}
impl Io {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the operating system gives no thread, or nothing to wait for connections with.
    pub fn start(clock: Clock) -> Result<Arc<Io>> {
        let cannot =
            |cause: std::io::Error| Error::Runtime { doing: "start the thread of the network", cause: cause.into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("malstrom-net".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(stopped);
                // Looking a name up may take long, and is nothing to wait for.
                runtime.shutdown_background();
            })
            .map_err(cannot)?;
        Ok(Arc::new(Io { handle, clock, stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) }))
    }
    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
    /// Whether the caller is on this thread, which must not wait for itself.
    pub(super) fn is_here(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| thread.thread().id() == std::thread::current().id())
    }
    /// Starts a task, which is told when what is returned is dropped.
    pub(super) fn task<T: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        task: impl FnOnce(oneshot::Receiver<()>) -> T,
    ) -> Task {
        let (stop, stopped) = oneshot::channel();
        let (done, ended) = mpsc::channel::<()>();
        let task = task(stopped);
        self.handle.spawn(async move {
            // Dropped when the task ends, in whatever way it does.
            let _done = done;
            task.await;
        });
        Task { stop: Some(stop), ended: Mutex::new(ended), io: self.clone() }
    }
}
impl Drop for Io {
    fn drop(&mut self) {
        let here = self.is_here();
        if let Some(stop) = self.stop.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take()
            && !here
        {
            let _ = thread.join();
        }
    }
}

/// Something that runs on the thread of the network until this is dropped. Dropping it waits until it has ended.
pub(super) struct Task {
    stop: Option<oneshot::Sender<()>>,
    ended: Mutex<mpsc::Receiver<()>>,
    io: Arc<Io>,
}
impl Task {
    /// Tells it to end, without waiting.
    pub(super) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}
impl Drop for Task {
    fn drop(&mut self) {
        self.stop();
        if !self.io.is_here() {
            let _ = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner).recv_timeout(END);
        }
    }
}

/// Bytes in both directions: TCP, with TLS or without.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
pub(super) type Stream = Box<dyn Duplex>;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the other end has closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// A connection behind its handshake. It is read and written by turns in one task, so neither waits for the other.
pub(super) struct Connection {
    stream: Stream,
    /// What has arrived.
    pub(super) arrived: Decoder,
    /// What is to be written. To be filled when it is [empty](Connection::has_written).
    pub(super) out: Vec<u8>,
    written: usize,
    /// Whether there is something that has been written, but perhaps not sent.
    unflushed: bool,
}
impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Connection { stream, arrived: Decoder::default(), out: Vec::new(), written: 0, unflushed: false }
    }
    /// Whether everything in `out` is written.
    pub(super) fn has_written(&self) -> bool {
        self.out.is_empty()
    }
    /// Whether everything is written, and nothing waits to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.has_written() && !self.unflushed
    }
    /// Reads and writes as much as goes at once. Ready if there is something new; how many bytes were read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Broken>> {
        let written = self.poll_write(cx)?;
        let read = match pin!(self.stream.read_buf(self.arrived.space())).poll(cx) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(Broken::Closed)),
            Poll::Ready(read) => read?,
            Poll::Pending => 0,
        };
        if read > 0 || written { Poll::Ready(Ok(read)) } else { Poll::Pending }
    }
    /// Whether everything is written now that was not before.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, Broken> {
        let mut progress = false;
        while self.written < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => return Err(Broken::Closed),
                Poll::Ready(written) => self.written += written?,
                Poll::Pending => break,
            }
            self.unflushed = true;
            progress = self.written == self.out.len();
        }
        if progress {
            self.out.clear();
            // One large frame does not hold its memory for ever.
            self.out.shrink_to(4 * BATCH);
            self.written = 0;
        }
        if self.unflushed && Pin::new(&mut self.stream).poll_flush(cx)?.is_ready() {
            self.unflushed = false;
            progress = true;
        }
        Ok(progress)
    }
    /// Says that nothing follows. What is not written yet is not.
    pub(super) async fn close(mut self) {
        let _ = tokio::time::timeout(END / 4, self.stream.shutdown()).await;
    }
}
/// A sleep until then, on the caller's clock.
pub(super) fn until(then: Option<Duration>, now: Duration) -> tokio::time::Sleep {
    // Whoever has no deadline is asked now and then.
    tokio::time::sleep(then.map_or(Duration::from_secs(3600), |then| then.saturating_sub(now)))
}
