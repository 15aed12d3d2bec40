//! The splits of a source in snapshots.
//!
//! Each worker writes which splits it reads and how far, and which it has read to their end. A split that nobody has opened
//! is not written: it is listed again. After a restore the positions of splits that wait to be opened again are nobody's, so
//! one worker goes on writing what it was restored from; what a worker says of a split that it has opened comes before that. So does
//! what one says that has given a split back: the last of those who did, until another has opened it.
use crate::contract::record::{CodecError, Record};
use crate::contract::snapshot::{Book, Head, NO_GROUP, Part};
use crate::contract::source::Source;
use crate::error::{Error, Result};
use crate::exchange::fabric::Parked;
use bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};

/// A split that nobody reads yet.
pub(crate) struct Waiting<S: Source> {
    pub(crate) split: S::Split,
    /// Its bytes, by which it is told from others; empty where nobody keeps track of them.
    pub(crate) name: Vec<u8>,
    /// The number that it had, and its position.
    pub(crate) resume: Option<(u64, S::Position)>,
}

/// The split of [`Parked::write`], by its name, the number that it had and its position.
type Parcel = (Vec<u8>, Option<(u64, Vec<u8>)>);
impl<S: Source> Parked for Waiting<S> {
    fn write(&self) -> Result<Vec<u8>> {
        let position = |(number, position): &(u64, S::Position)| {
            let mut bytes = Vec::new();
            position.encode(&mut bytes).map(|()| (*number, bytes))
        };
        let resume = self.resume.as_ref().map(position).transpose().map_err(Error::custom)?;
        let mut bytes = Vec::new();
        let parcel: Parcel = (self.name.clone(), resume);
        parcel.encode(&mut bytes).map_err(Error::custom)?;
        Ok(bytes)
    }
    fn read(bytes: &[u8]) -> Result<Self> {
        let (name, resume) = Parcel::decode(bytes).map_err(Error::custom)?;
        let split = S::Split::decode(&name).map_err(Error::custom)?;
        let position = |(number, position): (u64, Vec<u8>)| {
            S::Position::decode(&position).map(|position| (number, position)).map_err(Error::custom)
        };
        Ok(Waiting { split, name, resume: resume.map(position).transpose()? })
    }
    fn is_begun(&self) -> bool {
        self.resume.is_some()
    }
}

/// How far a split has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It was at this position, when it was last opened.
    Known(Vec<u8>),
    /// It was at this position, when it was given back for the change of this version.
    Given(u64, Vec<u8>),
    /// It is being read, and at this position.
    Reads(Vec<u8>),
    Ended,
}
impl Place {
    /// Of two places of a split the one with the higher rank counts.
    fn rank(&self) -> (u8, u64) {
        match self {
            Place::Known(_) => (0, 0),
            Place::Given(version, _) => (1, *version),
            Place::Reads(_) | Place::Ended => (2, 0),
        }
    }
}
/// What is written of a split: its bytes, its number, what is known of it, its position.
type Row = (Vec<u8>, u64, u8, Vec<u8>);
/// What was written of the splits of a source: by their bytes, their numbers and how far they had come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splits(pub(crate) HashMap<Vec<u8>, (u64, Place)>);
impl Splits {
    /// Takes note of a split. What is known from before a restore counts least.
    pub(crate) fn note(&mut self, name: Vec<u8>, number: u64, place: Place) {
        let before = self.0.get(&name).map(|(_, before)| before.rank());
        if before.is_none_or(|before| before < place.rank() || before == place.rank() && before > (0, 0)) {
            self.0.insert(name, (number, place));
        }
    }
    /// Reads what all workers have written of source `node`.
    pub(crate) fn load(book: &mut Book<'_>, node: usize, id: &str) -> Splits {
        let mut splits = Splits::default();
        for chunk in book.chunks(node, Part::Splits) {
            match Vec::<Row>::decode(&chunk.bytes) {
                Ok(rows) => rows.into_iter().for_each(|row| splits.take_row(row)),
                Err(error) => book.fail(unreadable(id, error)),
            }
        }
        splits
    }
    fn take_row(&mut self, (name, number, kind, position): Row) {
        let place = match kind {
            0 => Place::Known(position),
            1 => Place::Reads(position),
            3 => match position.split_first_chunk() {
                Some((version, position)) => Place::Given(u64::from_le_bytes(*version), position.to_vec()),
                // It is refused where it is opened.
                None => Place::Given(0, position),
            },
            _ => Place::Ended,
        };
        self.note(name, number, place);
    }
    /// What a worker writes.
    pub(crate) fn encode(self) -> Result<Vec<u8>, CodecError> {
        let row = |(name, (number, place))| -> Row {
            match place {
                Place::Known(position) => (name, number, 0, position),
                Place::Reads(position) => (name, number, 1, position),
                Place::Given(version, position) => {
                    (name, number, 3, [&version.to_le_bytes()[..], &position[..]].concat())
                }
                Place::Ended => (name, number, 2, Vec::new()),
            }
        };
        let mut rows: Vec<Row> = self.0.into_iter().map(row).collect();
        rows.sort_unstable();
        let mut bytes = Vec::new();
        rows.encode(&mut bytes)?;
        Ok(bytes)
    }
    /// What one worker goes on writing after a restore.
    pub(crate) fn remembered(&self) -> Splits {
        let known = |(name, (number, place)): (&Vec<u8>, &(u64, Place))| {
            let place = match place {
                Place::Known(position) | Place::Given(_, position) | Place::Reads(position) => {
                    Place::Known(position.clone())
                }
                Place::Ended => Place::Ended,
            };
            (name.clone(), (*number, place))
        };
        Splits(self.0.iter().map(known).collect())
    }
    /// What a worker that leaves with the change of this version hands to one that goes on writing it.
    pub(crate) fn handed(&self, version: u64) -> Splits {
        let given = |(name, (number, place)): (&Vec<u8>, &(u64, Place))| {
            let place = match place {
                Place::Reads(position) => Place::Given(version, position.clone()),
                other => other.clone(),
            };
            (name.clone(), (*number, place))
        };
        Splits(self.0.iter().map(given).collect())
    }
    /// What there is to read: of all that is listed what has not ended, those that were begun first, from where they were.
    pub(crate) fn waiting<S: Source>(&self, listed: Vec<S::Split>, names: bool) -> Result<VecDeque<Waiting<S>>> {
        let (mut begun, mut fresh, mut seen) = (VecDeque::new(), VecDeque::new(), HashSet::new());
        let mut resume = |split: S::Split, name: Vec<u8>| -> Result<()> {
            match self.0.get(&name) {
                Some((_, Place::Ended)) => {}
                Some((number, Place::Known(position) | Place::Given(_, position) | Place::Reads(position))) => {
                    let position = S::Position::decode(position).map_err(Error::custom)?;
                    begun.push_back(Waiting { split, name, resume: Some((*number, position)) });
                }
                None => fresh.push_back(Waiting { split, name, resume: None }),
            }
            Ok(())
        };
        for split in listed {
            let mut name = Vec::new();
            if names {
                split.encode(&mut name).map_err(Error::custom)?;
                seen.insert(name.clone());
            }
            resume(split, name)?;
        }
        let mut gone: Vec<_> =
            self.0.iter().filter(|(name, (_, place))| *place != Place::Ended && !seen.contains(*name)).collect();
        gone.sort_unstable_by_key(|(name, _)| *name);
        for (name, _) in gone {
            resume(S::Split::decode(name).map_err(Error::custom)?, name.clone())?;
        }
        begun.append(&mut fresh);
        Ok(begun)
    }
}

/// All splits that were listed, for other processes.
pub(crate) fn write_list<S: Source>(splits: &[S::Split]) -> Result<Bytes> {
    let encode = |split: &S::Split| {
        let mut bytes = Vec::new();
        split.encode(&mut bytes).map(|()| bytes)
    };
    let list = splits.iter().map(encode).collect::<Result<Vec<_>, _>>().map_err(Error::custom)?;
    let mut bytes = Vec::new();
    list.encode(&mut bytes).map_err(Error::custom)?;
    Ok(bytes.into())
}
/// What [`write_list`] has written.
pub(crate) fn read_list<S: Source>(bytes: &[u8]) -> Result<Vec<S::Split>> {
    let list = Vec::<Vec<u8>>::decode(bytes).map_err(Error::custom)?;
    list.iter().map(|split| S::Split::decode(split).map_err(Error::custom)).collect()
}

/// The chunk that a worker writes.
pub(crate) fn head(node: usize) -> Head {
    Head { node, part: Part::Splits, group: NO_GROUP, full: true, entries: 1 }
}

fn unreadable(id: &str, error: CodecError) -> Error {
    Error::Config(format!("the snapshot's splits of `{id}` cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(places: impl IntoIterator<Item = Place>) -> Place {
        let mut splits = Splits::default();
        places.into_iter().for_each(|place| splits.note(b"split".to_vec(), 7, place));
        splits.0.remove(&b"split"[..]).unwrap().1
    }
    /// In whatever order snapshots have them.
    #[test]
    fn the_last_who_gave_a_split_back_knows_best_until_another_has_opened_it() {
        let (known, first, second) = (Place::Known(vec![1]), Place::Given(1, vec![2]), Place::Given(4, vec![3]));
        for order in [[&known, &first, &second], [&second, &first, &known], [&first, &second, &known]] {
            assert_eq!(noted(order.into_iter().cloned()), second);
        }
        for opened in [Place::Reads(vec![4]), Place::Ended] {
            assert_eq!(noted([second.clone(), opened.clone()]), opened);
            assert_eq!(noted([opened.clone(), second.clone(), known.clone()]), opened);
        }
        assert_eq!(noted([Place::Reads(vec![4]), Place::Reads(vec![5])]), Place::Reads(vec![5]), "it has gone on");
    }
    #[test]
    fn what_a_worker_hands_on_comes_back() {
        let mut splits = Splits::default();
        splits.note(b"a".to_vec(), 1, Place::Reads(vec![1, 2]));
        splits.note(b"b".to_vec(), 2, Place::Ended);
        splits.note(b"c".to_vec(), 3, Place::Given(2, vec![]));
        let bytes = splits.handed(5).encode().unwrap();
        let mut read = Splits::default();
        Vec::<Row>::decode(&bytes).unwrap().into_iter().for_each(|row| read.take_row(row));
        let place = |name: &[u8]| read.0[name].1.clone();
        assert_eq!([place(b"a"), place(b"b")], [Place::Given(5, vec![1, 2]), Place::Ended]);
        assert_eq!(place(b"c"), Place::Given(2, vec![]));
    }
}
