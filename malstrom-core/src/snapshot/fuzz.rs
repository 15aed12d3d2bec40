//! Bytes that nobody has written, under a checksum that fits: what the decoders behind the checksums make of them. Mutations of
//! good ones, for `MALSTROM_FUZZ_SECONDS` (2) each.
use super::format::checksum;
use super::log::{Entry, Record};
use super::manifest::{Kind, Layout, Manifest, Saved};
use super::segment::{self, Footer, Segment};
use crate::contract::snapshot::{Chunk, Head, Part, Schema, Scope};
use std::time::{Duration, Instant};

/// splitmix64.
struct Rng(u64);
impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
    fn mutate(&mut self, good: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = good[self.below(good.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                2 => bytes.truncate(at),
                3 => bytes.extend((0..self.below(40)).map(|n| n as u8)),
                4 => bytes.insert(at, self.below(256) as u8),
                5 if !bytes.is_empty() => _ = bytes.remove(at),
                // A number at its greatest: a length, perhaps.
                _ => bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xff),
            }
        }
        bytes
    }
}
/// Gives `check` one mutation after the other, and returns how many it has understood.
#[allow(clippy::disallowed_methods, reason = "how long to go on is real time")]
fn fuzz(good: &[Vec<u8>], mut check: impl FnMut(&[u8]) -> bool) {
    let seconds = std::env::var("MALSTROM_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let (start, mut seed, mut understood) = (Instant::now(), 0, 0);
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..100 {
            seed += 1;
            let bytes = Rng(seed).mutate(good);
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&bytes)));
            assert!(checked.is_ok(), "seed {seed}: {bytes:02x?}");
            understood += usize::from(checked.is_ok_and(|understood| understood));
        }
    }
    // Otherwise they do not come as far as the decoders.
    assert!(understood > 10, "only {understood} of {seed} mutations were read at all");
}
/// Without the checksum, so that another one can be put behind.
fn body(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 8].to_vec()
}
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    bytes.extend(checksum(body).to_le_bytes());
    bytes
}

#[test]
fn no_bytes_confuse_the_decoder_of_manifests() {
    let segment = |interval, scope| Segment {
        object: format!("segments/{interval}"),
        interval,
        scope,
        length: 100,
        footer: 7,
        checksum: interval,
    };
    let layout = Layout { schema: Schema { version: 3, description: "x".into() }, since: 3 };
    let saved = |kind| Saved { kind, interval: 3, term: 1, manifest: "m".into(), checksum: 5 };
    let manifest = Manifest {
        job: "job".into(),
        key_groups: 4096,
        seed: 42,
        interval: 4,
        term: 2,
        attempt: 1,
        kind: Kind::Savepoint("before".into()),
        scope: Scope::Changes { round: 1 },
        ended: true,
        layouts: [(("a".to_owned(), Part::State), layout)].into(),
        segments: vec![segment(3, Scope::Whole), segment(4, Scope::Changes { round: 1 })],
        live: vec![saved(Kind::Snapshot), saved(Kind::Savepoint("old".into()))],
    };
    fuzz(&[body(&manifest.encode())], |bytes| {
        let Ok(read) = Manifest::decode(&sealed(bytes), None) else { return false };
        assert_eq!(Manifest::decode(&read.encode(), None), Ok(read));
        true
    });
}

#[test]
fn no_bytes_confuse_the_decoder_of_entries() {
    let records = [
        Record::Claim { job: "job".into(), id: "é".into() },
        Record::Snapshot { interval: 1, manifest: "m".into(), checksum: 2 },
        Record::Savepoint { name: "s".into(), interval: 1, manifest: "m".into(), checksum: 2 },
        Record::Target { workers: 3 },
    ];
    let good = records.map(|record| body(&Entry { seq: 7, term: 1, nonce: 2, prev: 3, record }.encode()));
    fuzz(&good, |bytes| {
        let Ok(read) = Entry::decode(7, &sealed(bytes)) else { return false };
        assert_eq!(read.seq, 7);
        true
    });
}

#[test]
fn no_bytes_confuse_the_decoder_of_footers() {
    let operators = ["one".to_owned(), "two".to_owned()];
    let chunk = |node, group| Chunk {
        head: Head { node, part: Part::State, group, full: group == 1, entries: 2 },
        bytes: vec![1; 9],
    };
    let chunks = vec![chunk(0, 1), chunk(0, 2), chunk(1, 2)];
    let (whole, pieces) = segment::encode("s".into(), 1, Scope::Whole, &operators, chunks).unwrap();
    let range = whole.footer_range();
    let footer = pieces.concat()[range.start as usize..range.end as usize].to_vec();
    fuzz(&[footer], |bytes| {
        // The place of the footer is what its chunks make it, so that no mutation fails by that alone.
        let mut said = Segment { checksum: checksum(bytes), ..whole.clone() };
        for footer in [whole.footer, 0, 9] {
            said.footer = footer;
            let Ok(read) = Footer::of(&said, bytes) else { continue };
            for piece in &read.pieces {
                assert!(piece.end() <= footer);
                assert!(read.operators.iter().any(|operator| operator == read.operator(piece)));
            }
            return true;
        }
        false
    });
}
