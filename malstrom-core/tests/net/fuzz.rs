//! Bytes that nobody has sent like this: mutations of good ones, for `MALSTROM_FUZZ_SECONDS` (2) each.
use super::*;
use malstrom_core::exchange::session::{Hello, Packet};
use malstrom_core::net::frame::{Decoder, Frame, encode};
use malstrom_core::net::identity::{Greeting, Lane, Refusal};

/// Gives `check` one mutation after the other.
fn fuzz(good: &[Vec<u8>], mut check: impl FnMut(&[u8])) {
    let seconds = std::env::var("MALSTROM_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let (until, mut seed) = (now() + Duration::from_secs(seconds), 0);
    while now() < until {
        for _ in 0..100 {
            seed += 1;
            let bytes = mutate(good, &mut Rng(seed));
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&bytes)));
            assert!(checked.is_ok(), "seed {seed}: {bytes:02x?}");
        }
    }
    eprintln!("{seed} mutations");
}
fn mutate(good: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let pick = |rng: &mut Rng| good[rng.below(good.len() as u64) as usize].clone();
    let mut bytes = pick(rng);
    for _ in 0..rng.below(5) {
        let at = rng.below(bytes.len().max(1) as u64) as usize;
        match rng.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.below(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5) as usize],
            2 => bytes.truncate(at),
            3 => bytes.extend((0..rng.below(40)).map(|n| n as u8)),
            4 => bytes.insert(at, rng.draw() as u8),
            5 if !bytes.is_empty() => _ = bytes.remove(at),
            _ => bytes.extend(pick(rng)),
        }
    }
    bytes
}

#[test]
fn no_bytes_confuse_the_decoder_of_frames() {
    let hello = Hello {
        attempt: FIRST,
        ends: [0, 1],
        session: u64::MAX,
        peer: Some(7),
        received: 1,
        limit: 1 << 40,
        window: 1,
        allowance: 0,
    };
    let frames = [
        Frame::Packet(Packet::Hello(hello)),
        Frame::Packet(Packet::Ack { received: 3, limit: 4 }),
        Frame::Packet(Packet::Frame { seq: 1, frame: message(2, "some text") }),
        Frame::Packet(Packet::Frame { seq: 2, frame: message(2, vec![1; 3000]) }),
        Frame::Control("do something".into()),
        Frame::Ping,
    ];
    let good: Vec<Vec<u8>> = frames.iter().map(|frame| frames::bytes(std::slice::from_ref(frame))).collect();
    let mut rng = Rng(0);
    fuzz(&good, |bytes| {
        // The checksum hides what is behind it, so it is made to fit for half of them.
        let mut bytes = bytes.to_vec();
        if rng.below(2) == 0 && bytes.len() >= 32 {
            let len = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
            if let Some(payload) = bytes.get(32..32_usize.saturating_add(len)) {
                let crc = crc32c(&[&bytes[..28], payload]);
                bytes[28..32].copy_from_slice(&crc.to_le_bytes());
            }
        }
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let mut again = Vec::new();
        while let Ok(Some(frame)) = decoder.decode() {
            encode(&frame, &mut again).unwrap();
        }
        // What it has understood is what was there, but for fields that a kind does not use.
        assert!(again.len() <= bytes.len());
        let mut decoder = Decoder::default();
        decoder.push(&again);
        while let Some(frame) = decoder.decode().unwrap() {
            drop(frame);
        }
    });
}
#[test]
fn no_bytes_confuse_the_decoder_of_greetings() {
    let good: Vec<Vec<u8>> = [
        Greeting::Hello(identity(), Lane::Data { from: 0, to: 1, term: 300, attempt: 2 }),
        Greeting::Hello(identity(), Lane::Control),
        Greeting::Welcome(identity()),
        Greeting::Ready,
        Greeting::Refused(Refusal { again: true, early: false, reason: "not now".into() }),
    ]
    .iter()
    .map(|greeting| greeting.encode().unwrap())
    .collect();
    fuzz(&good, |bytes| {
        if let Ok(Some((greeting, len))) = Greeting::decode(bytes) {
            assert!(len <= bytes.len());
            let again = greeting.encode().unwrap();
            assert_eq!(Greeting::decode(&again).unwrap(), Some((greeting, again.len())));
        }
    });
}
