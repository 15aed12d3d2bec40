//! The unit that crosses an edge.

/// A record with what it travels under.
#[derive(Debug)]
pub(crate) struct Envelope<K, T> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    pub(crate) record: T,
}

/// Records on their way across an edge.
pub(crate) type Batch<K, T> = Vec<Envelope<K, T>>;

/// How many records fill a batch: 16 KiB worth, so that a batch written here is read there from the cache.
pub(crate) const fn capacity<K, T>() -> usize {
    let size = size_of::<Envelope<K, T>>();
    let fits = if size == 0 { 1024 } else { 16 * 1024 / size };
    if fits < 64 {
        64
    } else if fits > 1024 {
        1024
    } else {
        fits
    }
}
