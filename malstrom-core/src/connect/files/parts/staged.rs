//! What a file sink writes into a snapshot: which parts wait to be published, and how much of them belongs to it.
use super::name::Name;
use crate::contract::record::{CodecError, Record};
use crate::error::{Error, Result};

/// The first byte. What is behind it is a record.
const VERSION: u8 = 1;
/// What parts there are.
const EXTENSIONS: [&str; 2] = ["csv", "jsonl"];

/// A part that is not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StagedPart {
    pub(super) name: Name,
    /// How many bytes of it belong to the snapshot.
    pub(super) length: u64,
    /// Whether it is not finished, so that more may have been written to it since.
    pub(super) open: bool,
}
crate::record_by_fields!(StagedPart { name: Name, length: u64, open: bool });

/// The parts of one worker that are not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Staged {
    pub(super) extension: &'static str,
    pub(super) parts: Vec<StagedPart>,
}

impl Staged {
    /// Its bytes; none if there is nothing.
    pub(super) fn encode(self) -> Result<Vec<u8>> {
        if self.parts.is_empty() {
            return Ok(Vec::new());
        }
        let mut bytes = vec![VERSION];
        let what = (self.extension.to_owned(), self.parts);
        what.encode(&mut bytes).map_err(|error| {
            Error::custom(format!(
                "too many parts wait for a snapshot to be listed in it ({error}): allow larger parts"
            ))
        })?;
        Ok(bytes)
    }

    /// What was encoded.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let Some((version, bytes)) = bytes.split_first() else {
            return Ok(Staged { extension: EXTENSIONS[0], parts: Vec::new() });
        };
        if *version != VERSION {
            return Err(unreadable(&format!("its format is {version}, and this program knows {VERSION}")));
        }
        let (extension, parts): (String, _) =
            Record::decode(bytes).map_err(|error: CodecError| unreadable(&error.to_string()))?;
        match EXTENSIONS.into_iter().find(|known| *known == extension) {
            Some(extension) => Ok(Staged { extension, parts }),
            None => Err(unreadable(&format!("there are no parts that end in {extension:?}"))),
        }
    }
}

fn unreadable(why: &str) -> Error {
    Error::custom(format!(
        "what the snapshot has of this sink is no list of parts ({why}): restore the job with the program that wrote it, or \
         from another snapshot"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn staged(parts: &[(u64, u64, u64, u64, u64, bool)]) -> Staged {
        let part = |&(interval, worker, number, term, length, open): &_| StagedPart {
            name: Name { interval, worker, number, term },
            length,
            open,
        };
        Staged { extension: "jsonl", parts: parts.iter().map(part).collect() }
    }

    proptest! {
        #[test]
        fn what_is_staged_is_read_back(parts: Vec<(u64, u64, u64, u64, u64, bool)>) {
            prop_assume!(!parts.is_empty());
            let bytes = staged(&parts).encode().unwrap();
            prop_assert_eq!(Staged::decode(&bytes).unwrap(), staged(&parts));
            prop_assert!(Staged::decode(&bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn any_bytes_are_an_error_and_nothing_else(bytes: Vec<u8>, first in 0..3_u8) {
            let _ = Staged::decode(&bytes);
            let _ = Staged::decode(&[&[first], &bytes[..]].concat());
        }
    }

    #[test]
    fn nothing_is_no_bytes() {
        assert!(staged(&[]).encode().unwrap().is_empty());
        assert!(Staged::decode(&[]).unwrap().parts.is_empty());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let mut bytes = staged(&[(1, 2, 3, 4, 5, true)]).encode().unwrap();
        bytes[0] = 2;
        let text = Staged::decode(&bytes).unwrap_err().to_string();
        assert!(text.contains("its format is 2, and this program knows 1"), "{text}");
        let mut bytes = vec![VERSION];
        ("../csv".to_owned(), staged(&[]).parts).encode(&mut bytes).unwrap();
        let text = Staged::decode(&bytes).unwrap_err().to_string();
        assert!(text.contains(r#"there are no parts that end in "../csv""#), "{text}");
    }
}
