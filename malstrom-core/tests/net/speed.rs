//! How much goes through one session. By hand: `cargo test --release -p malstrom-core --test net -- --ignored --nocapture fast`.
use super::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[test]
#[ignore = "a measurement"]
fn one_session_is_fast() {
    let tls = tls::tls();
    for (size, total, tls) in [
        (32 << 10, 8_u64 << 30, None),
        (1 << 10, 1 << 30, None),
        (100, 256 << 20, None),
        (32 << 10, 2 << 30, Some(tls)),
    ] {
        let lock = if tls.is_some() { ", TLS" } else { "" };
        let (a, b) = (Process::with(0, identity(), tls.clone()), Process::with(1, identity(), tls));
        let (to_b, to_a) = (peer(1, b.address()), peer(0, a.address()));
        let outbox = to_b.outbox.clone();
        let _a = a.mesh(FIRST, MeshSettings::config(), vec![to_b]);
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = bytes.clone();
        let _b = Mesh::start(
            &b.listener,
            MeshSettings { attempt: FIRST, me: 1, peers: vec![to_a], config: MeshSettings::config() },
            Arc::new(move |_, message| {
                counted.fetch_add(message.payload.len() as u64, Relaxed);
                Ok(())
            }),
            Arc::new(|_, error| panic!("{error}")),
        );
        let payload = Bytes::from(vec![7; size]);
        outbox.put(message(0, payload.clone()));
        eventually(5 * SECOND, "it is up", || bytes.load(Relaxed) > 0);
        let since = now();
        let mut sent = size as u64;
        while bytes.load(Relaxed) < total {
            // As much as workers would have under way.
            while sent < total && sent < bytes.load(Relaxed) + (16 << 20) {
                outbox.put(message(0, payload.clone()));
                sent += size as u64;
            }
            std::thread::sleep(MS / 5);
        }
        let took = (now() - since).as_secs_f64();
        println!(
            "{size} bytes{lock}: {:.0} MB/s, {:.0} messages/s",
            total as f64 / took / 1e6,
            total as f64 / took / size as f64
        );
    }
}
