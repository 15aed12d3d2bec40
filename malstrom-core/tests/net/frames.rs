//! Frames and greetings, as bytes.
use super::*;
use malstrom_core::exchange::session::{Hello, Packet};
use malstrom_core::net::frame::{Decoder, Frame, FrameError, MOST, encode};
use malstrom_core::net::identity::{Greeting, Lane, Refusal};
use proptest::collection::vec;
use proptest::prelude::*;

fn payload() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..100),
        1 => (0_usize..10_000, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
    .prop_map(Bytes::from)
}
fn frames() -> impl Strategy<Value = Frame> {
    let kinds = prop_oneof![Just(Kind::Data), Just(Kind::Credit), Just(Kind::Splits), Just(Kind::Arrived)];
    let message = (kinds, any::<u16>(), any::<u16>(), any::<u16>(), any::<u64>(), payload()).prop_map(
        |(kind, exchange, from, to, interval, payload)| Message { kind, exchange, from, to, interval, payload },
    );
    let hello = (any::<[u64; 2]>(), any::<[u32; 2]>(), any::<Option<u64>>(), any::<[u64; 5]>()).prop_map(
        |([term, attempt], ends, peer, [session, received, limit, window, allowance])| Hello {
            attempt: Attempt { term, attempt },
            ends,
            session,
            peer,
            received,
            limit,
            window,
            allowance,
        },
    );
    prop_oneof![
        4 => (any::<u64>(), message).prop_map(|(seq, frame)| Frame::Packet(Packet::Frame { seq, frame })),
        1 => hello.prop_map(|hello| Frame::Packet(Packet::Hello(hello))),
        1 => any::<[u64; 2]>().prop_map(|[received, limit]| Frame::Packet(Packet::Ack { received, limit })),
        1 => payload().prop_map(Frame::Control),
        1 => Just(Frame::Ping),
    ]
}
pub(super) fn bytes(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        encode(frame, &mut bytes).unwrap();
    }
    bytes
}
fn decode(decoder: &mut Decoder, into: &mut Vec<Frame>) -> Result<(), FrameError> {
    while let Some(frame) = decoder.decode()? {
        into.push(frame);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_are_the_same_behind_the_network_however_it_cuts_them(
        sent in vec(frames(), 1..8),
        cuts in vec(1_usize..300, 1..20),
    ) {
        let bytes = bytes(&sent);
        let (mut decoder, mut got, mut rest, mut cuts) = (Decoder::default(), Vec::new(), &bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            decoder.push(piece);
            decode(&mut decoder, &mut got)?;
            rest = more;
        }
        prop_assert_eq!(got, sent);
    }

    #[test]
    fn a_flipped_bit_is_noticed(sent in vec(frames(), 1..5), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut bytes = bytes(&sent);
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let (mut decoder, mut got) = (Decoder::default(), Vec::new());
        decoder.push(&bytes);
        // An error, or, if it is the length that is greater now, a frame that does not come.
        let noticed = decode(&mut decoder, &mut got).is_err() || got.len() < sent.len();
        prop_assert!(noticed);
        prop_assert_eq!(&got[..], &sent[..got.len()]);
    }

    #[test]
    fn greetings_are_the_same_behind_the_network(
        job in "[^\\p{Cc}]{0,100}", numbers in any::<[u64; 5]>(), ends in any::<[u32; 2]>(), again in any::<bool>(), cut in any::<prop::sample::Index>(),
    ) {
        let [build, pipeline, probe, term, attempt] = numbers;
        let [from, to] = ends;
        let identity = Identity { job: job.clone(), build, pipeline, probe };
        for greeting in [
            Greeting::Hello(identity.clone(), Lane::Data { from, to, term, attempt }),
            Greeting::Hello(identity.clone(), Lane::Control),
            Greeting::Welcome(identity.clone()),
            Greeting::Ready,
            Greeting::Refused(Refusal { again, early: !again, reason: job.clone() }),
        ] {
            let mut bytes = greeting.encode()?;
            let len = bytes.len();
            prop_assert_eq!(Greeting::decode(&bytes[..cut.index(len)])?, None);
            bytes.extend([1, 2, 3]);
            prop_assert_eq!(Greeting::decode(&bytes)?, Some((greeting, len)));
        }
    }
}

#[test]
fn the_format_stays_as_it_is() {
    let frame = Frame::Packet(Packet::Frame { seq: 0x0a0b, frame: message(0x0c0d, "abc") });
    let bytes = bytes(&[frame]);
    let header = [3, 0, 0, 0, 1, 0, 3, 0, 4, 0, 5, 0, 0x0b, 0x0a, 0, 0, 0, 0, 0, 0, 0x0d, 0x0c, 0, 0, 0, 0, 0, 0];
    assert_eq!(bytes[..28], header);
    assert_eq!(bytes[28..32], crc32c(&[&header, b"abc"]).to_le_bytes());
    assert_eq!(bytes[32..], *b"abc\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(Greeting::Ready.encode().unwrap(), *b"MALSTROM\x01\0\x01\0\x02");
}

#[test]
fn a_length_is_not_believed_before_anything_else_is_there() {
    let mut bytes = bytes(&[Frame::Control(vec![1; 100].into())]);
    let most = u32::try_from(MOST).unwrap();
    bytes[..4].copy_from_slice(&(most + 1).to_le_bytes());
    let mut decoder = Decoder::default();
    decoder.push(&bytes[..32]);
    assert_eq!(decoder.decode(), Err(FrameError::TooLarge { bytes: u64::from(most) + 1 }));
    let mut out = vec![9];
    let large = Frame::Control(vec![0; MOST + 1].into());
    assert_eq!(encode(&large, &mut out), Err(FrameError::TooLarge { bytes: u64::from(most) + 1 }));
    assert_eq!(out, [9]);
    // The largest one goes.
    let large = Frame::Control(vec![7; MOST].into());
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    encode(&large, &mut out).unwrap();
    decoder.push(&out);
    assert!(decoder.decode().unwrap() == Some(large));
}

#[test]
fn kinds_and_flags_that_nobody_knows_are_errors_at_once() {
    for (at, value) in [(4, 0), (4, 8), (4, 15), (4, 20), (4, 255), (5, 1)] {
        let mut bytes = bytes(&[Frame::Control(vec![1; 100].into())]);
        bytes[at] = value;
        let mut decoder = Decoder::default();
        decoder.push(&bytes[..32]);
        assert!(matches!(decoder.decode(), Err(FrameError::Unknown { .. })), "{at} {value}");
    }
}

#[test]
fn something_behind_the_end_of_a_frame_is_noticed() {
    let mut bytes = bytes(&[Frame::Control("abc".into())]);
    *bytes.last_mut().unwrap() = 1;
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    assert!(matches!(decoder.decode(), Err(FrameError::Malformed { kind: 18, .. })));
}

#[test]
fn large_payloads_lie_where_they_can_be_read_in_place() {
    let mut rng = Rng(1);
    let sent: Vec<Frame> = (0..100).map(|_| Frame::Control(vec![1; 4096 + rng.below(5000) as usize].into())).collect();
    let mut decoder = Decoder::default();
    decoder.push(&bytes(&sent));
    let mut at = None;
    while let Some(Frame::Control(payload)) = decoder.decode().unwrap() {
        // Relative to the first one: where that is, the allocator decides.
        let address = payload.as_ptr() as usize;
        assert_eq!(address % 16, *at.get_or_insert(address) % 16);
    }
    assert!(at.is_some());
}

#[test]
fn greetings_that_are_too_long_or_have_more_than_one_line_are_none() {
    let named = |job: String| Greeting::Welcome(Identity { job, ..identity() });
    assert!(named("x".repeat(512)).encode().is_ok());
    assert!(named("x".repeat(513)).encode().is_err());
    assert!(named("a\nb".into()).encode().is_err());
    // Neither are they believed when they come.
    let mut bytes = named("a-b".into()).encode().unwrap();
    let at = bytes.iter().position(|byte| *byte == b'-').unwrap();
    bytes[at] = b'\n';
    let error = Greeting::decode(&bytes).unwrap_err().to_string();
    assert!(error.contains("the name of the job has control characters"), "{error}");
    let mut bytes = Greeting::Ready.encode().unwrap();
    bytes[10] += 1;
    bytes.push(0);
    assert!(Greeting::decode(&bytes).unwrap_err().to_string().contains("1 bytes too long"));
}

#[test]
fn a_greeting_of_a_session_has_nothing_behind_it() {
    let hello =
        Hello { attempt: FIRST, ends: [0, 1], session: 7, peer: None, received: 1, limit: 2, window: 3, allowance: 4 };
    let mut bytes = bytes(&[Frame::Packet(Packet::Hello(hello))]);
    let longer = bytes[0] + 1;
    assert!(usize::from(longer) < bytes.len() - 32, "there is a zero to take in");
    bytes[0] = longer;
    let crc = crc32c(&[&bytes[..28], &bytes[32..32 + usize::from(longer)]]);
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    assert!(decoder.decode().unwrap_err().to_string().contains("it is 1 bytes too long"));
}
