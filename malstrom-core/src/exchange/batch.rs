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
    let fits = match size_of::<Envelope<K, T>>() {
        0 => 1024,
        size => 16 * 1024 / size,
    };
    match fits {
        ..64 => 64,
        64..1024 => fits,
        1024.. => 1024,
    }
}
