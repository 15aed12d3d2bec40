//! What the segments of workers hand over when key groups move: within a process as it is, and to another process in pieces.
use super::changes::Parcel;
use super::message::{Kind, Message, Outbox};
use crate::contract::snapshot::{Chunk, Head, Part, Schema};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How large a piece is.
const PIECE: usize = 1 << 20;
/// How long the description of an item may be.
const MOST: usize = 16 << 20;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Parcels {
    /// By the worker that gets them.
    whole: Mutex<HashMap<usize, Vec<Parcel>>>,
    /// By the worker that sends it, the one that gets it, and the segment.
    arriving: Mutex<HashMap<[u16; 3], Arriving>>,
}
impl Parcels {
    /// Puts down what a worker of this process gets.
    pub(super) fn put(&self, to: usize, parcel: Parcel) {
        lock(&self.whole).entry(to).or_default().push(parcel);
    }
    /// What has come for a worker.
    pub(super) fn take(&self, worker: usize) -> Vec<Parcel> {
        lock(&self.whole).remove(&worker).unwrap_or_default()
    }
    /// A piece has arrived. Why it is none, if so.
    pub(super) fn arrives(&self, message: Message) -> Result<(), String> {
        let Message { exchange: segment, from, to, interval, payload, .. } = message;
        let mut arriving = lock(&self.arriving);
        let parcel = arriving.entry([from, to, segment]).or_insert_with(|| Arriving::new(interval, segment));
        if parcel.parcel.interval != interval {
            return Err(format!(
                "what a segment gains at barrier {interval} arrives amid that of barrier {}",
                parcel.parcel.interval
            ));
        }
        let Some((last, piece)) = payload.split_first() else { return Err("a piece without anything in it".into()) };
        parcel.take(piece)?;
        if *last == 0 {
            return Ok(());
        }
        let whole = arriving.remove(&[from, to, segment]);
        drop(arriving);
        whole.map_or(Ok(()), |whole| {
            self.put(usize::from(to), whole.done()?);
            Ok(())
        })
    }
}
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes here guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a parcel consists of, but for the content of chunks, which follows it.
#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Schema { node: usize, part: Part, version: u32, description: String },
    Chunk { node: usize, part: Part, group: u16, full: bool, entries: u32 },
}

/// Sends a parcel to a worker of another process, piece by piece.
pub(super) fn send([from, to]: [u16; 2], parcel: Parcel, outbox: &Outbox) -> Result<()> {
    let Parcel { interval, segment, chunks, schemas } = parcel;
    let segment = u16::try_from(segment)
        .map_err(|_| Error::Config("a pipeline that spans several processes has at most 65,536 segments".into()))?;
    let put = |piece: Vec<u8>| {
        let payload = piece.into();
        outbox.put(Message { kind: Kind::State, exchange: segment, from, to, interval, payload });
    };
    let mut piece = vec![0];
    let mut add = |mut bytes: &[u8]| {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - piece.len()));
            piece.extend_from_slice(now);
            bytes = later;
            if piece.len() == PIECE {
                put(std::mem::replace(&mut piece, vec![0]));
            }
        }
    };
    let mut item = |item: &Item, content: &[u8]| -> Result<()> {
        let described = postcard::to_stdvec(item).map_err(Error::custom)?;
        for length in [described.len(), content.len()] {
            let length = u32::try_from(length).map_err(|_| {
                Error::custom("what a key group keeps takes more than 4 GiB, which is the most that can move")
            })?;
            add(&length.to_le_bytes());
        }
        add(&described);
        add(content);
        Ok(())
    };
    for (node, part, Schema { version, description }) in schemas {
        item(&Item::Schema { node, part, version, description }, &[])?;
    }
    for Chunk { head, bytes } in chunks {
        let Head { node, part, group, full, entries } = head;
        item(&Item::Chunk { node, part, group, full, entries }, &bytes)?;
    }
    piece[0] = 1;
    put(piece);
    Ok(())
}

/// A parcel of which not all has arrived.
#[derive(Debug)]
struct Arriving {
    parcel: Parcel,
    /// What has arrived of the next item.
    rest: Vec<u8>,
}
impl Arriving {
    fn new(interval: u64, segment: u16) -> Self {
        let parcel = Parcel { interval, segment: usize::from(segment), chunks: Vec::new(), schemas: Vec::new() };
        Arriving { parcel, rest: Vec::new() }
    }
    fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        self.rest.extend_from_slice(piece);
        let rest = std::mem::take(&mut self.rest);
        let mut left = &rest[..];
        while let Some((item, content, behind)) = next(left)? {
            left = behind;
            match item {
                Item::Schema { node, part, version, description } => {
                    self.parcel.schemas.push((node, part, Schema { version, description }));
                }
                Item::Chunk { node, part, group, full, entries } => {
                    let head = Head { node, part, group, full, entries };
                    self.parcel.chunks.push(Chunk { head, bytes: content.to_vec() });
                }
            }
        }
        self.rest = if left.len() == rest.len() { rest } else { left.to_vec() };
        Ok(())
    }
    fn done(self) -> Result<Parcel, String> {
        if self.rest.is_empty() { Ok(self.parcel) } else { Err("the last piece ends amid an item".into()) }
    }
}
/// The first item, its content and what is behind it; `None` if not all of it is there.
fn next(bytes: &[u8]) -> Result<Option<(Item, &[u8], &[u8])>, String> {
    let Some((described, bytes)) = length(bytes) else { return Ok(None) };
    let Some((content, bytes)) = length(bytes) else { return Ok(None) };
    if described > MOST {
        return Err(format!("an item that takes {described} bytes to describe"));
    }
    let Some((described, bytes)) = bytes.split_at_checked(described) else { return Ok(None) };
    let Some((content, bytes)) = bytes.split_at_checked(content) else { return Ok(None) };
    match postcard::take_from_bytes(described) {
        Ok((item, [])) => Ok(Some((item, content, bytes))),
        Ok(_) => Err("something behind the description of an item".into()),
        Err(error) => Err(format!("an item that is none: {error}")),
    }
}
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, bytes) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*length) as usize, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn parcel(sizes: &[usize]) -> Parcel {
        let chunk = |(at, size): (usize, &usize)| Chunk {
            head: Head { node: at, part: Part::State, group: at as u16, full: true, entries: 1 },
            bytes: vec![at as u8; *size],
        };
        let schema = Schema { version: 3, description: "{}".into() };
        let chunks = sizes.iter().enumerate().map(chunk).collect();
        Parcel { interval: 9, segment: 4, chunks, schemas: vec![(1, Part::EventTimers, schema)] }
    }
    fn pieces(parcel: Parcel) -> Vec<Message> {
        let outbox = Outbox::default();
        send([3, 5], parcel, &outbox).unwrap();
        std::iter::from_fn(|| outbox.take()).collect()
    }
    proptest! {
        #[test]
        fn what_arrives_in_pieces_is_what_was_sent(
            sizes in prop::collection::vec(prop_oneof![0usize..100, (PIECE - 200)..(2 * PIECE + 200)], 0..5),
        ) {
            let parcels = Parcels::default();
            let sent = pieces(parcel(&sizes));
            let last = sent.len() - 1;
            for (at, piece) in sent.into_iter().enumerate() {
                prop_assert!(piece.payload.len() <= PIECE && parcels.take(5).is_empty(), "piece {} of {}", at, last);
                parcels.arrives(piece).unwrap();
            }
            let [got] = &parcels.take(5)[..] else { panic!("not one") };
            let wanted = parcel(&sizes);
            prop_assert_eq!((got.interval, got.segment), (wanted.interval, wanted.segment));
            prop_assert_eq!((&got.chunks, &got.schemas), (&wanted.chunks, &wanted.schemas));
        }
        #[test]
        fn what_is_no_piece_is_refused(payload in prop::collection::vec(any::<u8>(), 0..60), cut in 1usize..80) {
            let [piece] = &pieces(parcel(&[9]))[..] else { panic!("not one") };
            let message = |payload: &[u8]| Message { payload: Bytes::copy_from_slice(payload), ..piece.clone() };
            // Whatever it is, nobody panics.
            let _ = Parcels::default().arrives(message(&payload));
            let parcels = Parcels::default();
            if cut < piece.payload.len() && parcels.arrives(message(&piece.payload[..cut])).is_ok() {
                let [got] = &parcels.take(5)[..] else { panic!("not one") };
                prop_assert!(got.chunks.is_empty(), "it ends between two items");
            }
        }
    }
    #[test]
    fn pieces_of_two_barriers_do_not_mix() {
        let parcels = Parcels::default();
        let mut first = pieces(parcel(&[2 * PIECE])).remove(0);
        parcels.arrives(first.clone()).unwrap();
        first.interval += 1;
        assert!(parcels.arrives(first).unwrap_err().contains("barrier 10"));
    }
}
