//! One connection of the control lane, the same at both ends.
use super::super::frame::{Frame, FrameError, MOST, encode};
use super::super::io::{BATCH, Broken, Clock, Connection, until};
use super::{MOST_WAITING, SendError};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;

/// How often an end says something.
const BEAT: Duration = Duration::from_millis(500);

/// What waits to be sent on a connection.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Notify,
}
#[derive(Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    state: State,
}
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// To be closed when all is sent.
    Closing,
    /// Too much is waiting.
    Slow,
    Closed,
}
impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn put(&self, message: Bytes) -> Result<(), SendError> {
        if message.len() > MOST {
            return Err(SendError::TooLarge { bytes: message.len() });
        }
        let mut waiting = self.lock();
        match waiting.state {
            State::Open => {}
            State::Slow => return Err(SendError::Slow),
            State::Closing | State::Closed => return Err(SendError::Down),
        }
        waiting.bytes += message.len();
        let slow = waiting.bytes > MOST_WAITING;
        if slow {
            *waiting = Waiting { state: State::Slow, ..Waiting::default() };
        } else {
            waiting.messages.push_back(message);
        }
        drop(waiting);
        self.bell.notify_one();
        if slow { Err(SendError::Slow) } else { Ok(()) }
    }
    /// What waits is still sent, then the connection is closed.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        if waiting.state == State::Open {
            waiting.state = State::Closing;
        }
        drop(waiting);
        self.bell.notify_one();
    }
    /// Nothing more is sent.
    fn closed(&self) {
        *self.lock() = Waiting { state: State::Closed, ..Waiting::default() };
    }
    /// Moves what waits into a buffer.
    fn fill(&self, out: &mut Vec<u8>) -> Result<State, FrameError> {
        let mut waiting = self.lock();
        while out.len() < BATCH {
            let Some(message) = waiting.messages.pop_front() else { break };
            waiting.bytes -= message.len();
            encode(&Frame::Control(message), out)?;
        }
        Ok(waiting.state)
    }
}

/// Sends what is in the queue and hands out what arrives, until there is a reason to end, which is returned.
pub(super) async fn run(
    connection: Connection,
    queue: &Queue,
    clock: &Clock,
    silence: Duration,
    said: impl FnMut(Bytes),
) -> String {
    let mut connection = connection;
    let why = exchange(&mut connection, queue, clock, silence, said).await;
    queue.closed();
    match why {
        Ok(()) => {
            connection.close().await;
            "it was closed at this end".to_owned()
        }
        Err(error) => error.to_string(),
    }
}
#[derive(Debug, thiserror::Error)]
enum LaneError {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("nothing was heard from the other end for {0:?}; the connection to it is given up")]
    Silent(Duration),
    #[error(transparent)]
    Slow(#[from] SendError),
}
impl From<FrameError> for LaneError {
    fn from(error: FrameError) -> Self {
        LaneError::Broken(error.into())
    }
}
async fn exchange(
    connection: &mut Connection,
    queue: &Queue,
    clock: &Clock,
    silence: Duration,
    mut said: impl FnMut(Bytes),
) -> Result<(), LaneError> {
    let beat = BEAT.min(silence / 4);
    let (mut heard, mut spoken) = (clock(), clock());
    let mut closing = None;
    let mut rung = pin!(queue.bell.notified());
    let mut timer = pin!(until(Some(spoken + beat), spoken));
    loop {
        if connection.has_written() {
            match queue.fill(&mut connection.out)? {
                State::Slow => return Err(SendError::Slow.into()),
                State::Closing if connection.is_flushed() => return Ok(()),
                State::Closing => _ = closing.get_or_insert_with(|| clock()),
                State::Open | State::Closed => {}
            }
            if !connection.out.is_empty() {
                spoken = clock();
            }
        }
        let moved = poll_fn(|cx| {
            if let Poll::Ready(moved) = connection.poll(cx) {
                return Poll::Ready(moved.map(Some));
            }
            if rung.as_mut().poll(cx).is_ready() {
                rung.set(queue.bell.notified());
                return Poll::Ready(Ok(Some(0)));
            }
            timer.as_mut().poll(cx).map(|()| Ok(None))
        })
        .await?;
        let now = clock();
        match moved {
            Some(0) => {}
            Some(_) => {
                heard = now;
                while let Some(frame) = connection.arrived.decode()? {
                    match frame {
                        Frame::Control(message) => said(message),
                        Frame::Ping => {}
                        Frame::Packet(_) => return Err(FrameError::Lane { what: "a session" }.into()),
                    }
                }
                tokio::task::consume_budget().await;
            }
            None => {
                if now >= heard + silence || closing.is_some_and(|since| now >= since + silence) {
                    return Err(LaneError::Silent(silence));
                }
                // What waits to be written is a sign of life as well.
                if now >= spoken + beat && connection.has_written() {
                    encode(&Frame::Ping, &mut connection.out)?;
                    spoken = now;
                }
                let next = (now + beat).min(heard + silence);
                timer.set(until(Some(next), now));
            }
        }
    }
}
