//! How the records that wait for partners are written to snapshots.
use super::{Both, Waiting};
use crate::contract::code::{Code, Codec, OfList, OfPair};
use crate::contract::record::json::Json;
use crate::contract::record::{CodecError, Describe, TypeRef};

/// How the records of both inputs are written.
pub(crate) struct OfBoth<A, B>(OfPair<OfList<OfWaiting<A>>, OfList<OfWaiting<B>>>);
impl<A, B> OfBoth<A, B> {
    /// That of records that are written so. `None` if those of one input are no records.
    pub(crate) fn of(codes: (Option<Code<A>>, Option<Code<B>>)) -> Option<Self> {
        let (left, right) = (codes.0?, codes.1?);
        Some(OfBoth(OfPair(OfList(OfWaiting(left)), OfList(OfWaiting(right)))))
    }
}
impl<A, B> Clone for OfBoth<A, B> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, B> Copy for OfBoth<A, B> {}
impl<A: 'static, B: 'static> Codec<Both<A, B>> for OfBoth<A, B> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        self.0.describe(d)
    }
    fn encode(&self, both: &Both<A, B>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.0.encode_parts(&both.left, &both.right, out)
    }
    /// When a key is looked at next follows from the times, and is not written.
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Both<A, B>, CodecError> {
        let (left, right) = self.0.decode(version, bytes)?;
        Ok(Both { left, right, listed: None })
    }
    fn show(&self, both: &Both<A, B>) -> Json {
        let OfPair(left, right) = &self.0;
        let sides = [("left", left.show(&both.left)), ("right", right.show(&both.right))];
        Json::Object(sides.map(|(side, waiting)| (side.to_owned(), waiting)).into_iter().collect())
    }
}

/// Writes a time, whether there was a partner, and the record.
struct OfWaiting<T>(Code<T>);
impl<T> Clone for OfWaiting<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for OfWaiting<T> {}
impl<T: 'static> Codec<Waiting<T>> for OfWaiting<T> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("", [TypeRef::plain("i64"), TypeRef::plain("bool"), self.0.describe(d)])
    }
    fn encode(&self, waiting: &Waiting<T>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let before = out.len();
        out.extend(waiting.time.to_le_bytes());
        out.push(u8::from(waiting.paired));
        self.0.encode(&waiting.record, out).inspect_err(|_| out.truncate(before))
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Waiting<T>, CodecError> {
        let (time, rest) = bytes.split_first_chunk().ok_or_else(|| CodecError::new("a record without its time"))?;
        let (paired, record) = match rest {
            [paired @ (0 | 1), record @ ..] => (*paired == 1, record),
            _ => return Err(CodecError::new("a record that neither had a partner nor had none")),
        };
        Ok(Waiting { time: i64::from_le_bytes(*time), record: self.0.decode(version, record)?, paired })
    }
    fn show(&self, waiting: &Waiting<T>) -> Json {
        let record = self.0.show(&waiting.record);
        let parts = [("time", waiting.time.into()), ("paired", waiting.paired.into()), ("record", record)];
        Json::Object(parts.map(|(part, value)| (part.to_owned(), value)).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = (Vec<(i64, bool, String)>, Vec<(i64, bool, u32)>);
    fn both((left, right): Seen) -> Both<String, u32> {
        fn waiting<T>(list: Vec<(i64, bool, T)>) -> Vec<Waiting<T>> {
            list.into_iter().map(|(time, paired, record)| Waiting { time, record, paired }).collect()
        }
        Both { left: waiting(left), right: waiting(right), listed: Some(5) }
    }
    fn seen(both: Both<String, u32>) -> Seen {
        fn list<T>(waiting: Vec<Waiting<T>>) -> Vec<(i64, bool, T)> {
            waiting.into_iter().map(|w| (w.time, w.paired, w.record)).collect()
        }
        (list(both.left), list(both.right))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn both_sides_come_back_and_broken_bytes_are_refused(
            left in prop::collection::vec((any::<i64>(), any::<bool>(), ".{0,6}"), 0..4),
            right in prop::collection::vec((any::<i64>(), any::<bool>(), any::<u32>()), 0..4),
        ) {
            let codec = OfBoth::<String, u32>::of((Some(Code::of()), Some(Code::of()))).unwrap();
            let wrote = (left, right);
            let mut bytes = Vec::new();
            codec.encode(&both(wrote.clone()), &mut bytes).unwrap();
            let read = codec.decode(1, &bytes).unwrap();
            prop_assert_eq!(read.listed, None);
            prop_assert_eq!(seen(read), wrote);
            for length in 0..bytes.len() {
                prop_assert!(codec.decode(1, &bytes[..length]).is_err(), "cut to {}", length);
            }
            for at in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[at / 8] ^= 1 << (at % 8);
                drop(codec.decode(1, &flipped));
            }
        }
    }

    #[test]
    fn both_inputs_must_be_records() {
        assert!(OfBoth::<u8, u8>::of((Some(Code::of()), None)).is_none());
        assert!(OfBoth::<u8, u8>::of((None, Some(Code::of()))).is_none());
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut bytes = Vec::new();
        OfWaiting(Code::<u8>::of()).encode(&Waiting { time: -2, record: 7, paired: true }, &mut bytes).unwrap();
        assert_eq!(bytes, [254, 255, 255, 255, 255, 255, 255, 255, 1, 7]);
        bytes[8] = 2;
        assert!(OfWaiting(Code::<u8>::of()).decode(1, &bytes).is_err());
    }
}
