//! How long it takes to write a gigabyte of state to a location, and to read it back.
//!
//!     cargo run --release -p malstrom-core --example snapshot_speed -- file:///dir [megabytes [bytes per chunk]]
#![allow(clippy::disallowed_methods, reason = "it measures")]
use malstrom_core::contract::snapshot::{Chunk, GroupSet, Head, Part, Schema, Shelf};
use malstrom_core::snapshot::{Chunks, Draft, Job, Kind, Location, Vault};
use malstrom_core::{Error, Result};
use std::time::Instant;

const GROUPS: u16 = 4096;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let location: Location = args.next().ok_or_else(|| Error::custom("which location?"))?.parse()?;
    let mut number = |default: usize| args.next().map_or(Ok(default), |text| text.parse()).map_err(Error::custom);
    let megabytes = number(1000)?;
    let per_chunk = number((megabytes << 20) / usize::from(GROUPS))?;

    let mut next = std::process::id().into();
    let nonces = move || {
        next += 1u128 << 32;
        next
    };
    let job = Job { name: "speed".into(), key_groups: None, coordinator: "speed".into() };
    let mut vault = Vault::open(&location, job, nonces)?;
    let chunks = (megabytes << 20) / per_chunk;
    let chunk = |at: usize| {
        let group = (at * usize::from(GROUPS) / chunks) as u16;
        let head = Head { node: 0, part: Part::State, group, full: true, entries: 1 };
        let mut bits = at as u64;
        let mut bytes = Vec::with_capacity(per_chunk + 8);
        while bytes.len() < per_chunk {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            bytes.extend_from_slice(&bits.to_le_bytes());
        }
        Chunk { head, bytes }
    };
    let schema = Schema { version: 1, description: String::new() };
    let content = Chunks { chunks: (0..chunks).map(chunk).collect(), schemas: vec![(0, Part::State, schema)] };
    let bytes: usize = content.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    let operators = ["state".to_owned()];
    let (interval, scope, kind) = (vault.next_interval(), vault.next_scope(), Kind::Snapshot);
    let report = |what: &str, begin: Instant| {
        let seconds = begin.elapsed().as_secs_f64();
        println!("{what}: {seconds:.3} s, {:.0} MB/s", bytes as f64 / 1e6 / seconds);
    };

    println!("{chunks} chunks of {per_chunk} bytes, {} MB", bytes / 1_000_000);
    let begin = Instant::now();
    let written = vec![vault.writer(0).write(&kind, interval, scope, &operators, content)?];
    report("write a segment", begin);
    let begin = Instant::now();
    let committed = vault.commit(Draft { kind, interval, ended: false, written })?;
    println!("commit: {:.4} s", begin.elapsed().as_secs_f64());

    for workers in [1, 2, 4] {
        let begin = Instant::now();
        let restore = vault.restore(committed.saved())?;
        println!("open for reading: {:.4} s", begin.elapsed().as_secs_f64());
        let read = std::thread::scope(|scope| {
            let shelf = |worker: u16| {
                let groups: GroupSet = (0..GROUPS).filter(|group| group % workers == worker).collect();
                let shelf = restore.shelf(operators.clone().into(), groups);
                scope.spawn(move || {
                    shelf.chunks(0, Part::State).map(|all| all.iter().map(|c| c.bytes.len()).sum::<usize>())
                })
            };
            let threads: Vec<_> = (0..workers).map(shelf).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| Error::custom("a reader panicked"))?)
                .sum::<Result<usize>>()
        })?;
        report(&format!("read {} MB by {workers} workers", read / 1_000_000), begin);
    }
    let begin = Instant::now();
    let checked = vault.archive().verify()?;
    report(&format!("verify {} chunks, {} damaged", checked.chunks, checked.damage.len()), begin);
    Ok(())
}
