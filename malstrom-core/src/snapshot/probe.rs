//! Whether a store can hold a commit log: some that speak the language of S3 ignore the condition that an object must not
//! exist, and then two coordinators would both commit.
use super::store::Store;
use crate::error::{Error, Result};

/// Creates an object twice, of which the second time must fail, and looks whether it is listed.
pub(super) async fn probe(store: &Store, nonce: u128) -> Result<()> {
    let object = format!("probe/{nonce:032x}");
    let result = twice(store, &object).await;
    let deleted = store.delete(std::slice::from_ref(&object)).await;
    result.and(deleted)
}
async fn twice(store: &Store, object: &str) -> Result<()> {
    let unfit = |why: &str| {
        Err(Error::snapshot(format!(
            "snapshots cannot lie at `{}`: {why}. Use a store with conditional writes and consistent listings: Amazon S3, Google \
             Cloud Storage, Azure Blob Storage, a local directory, or one that does the same",
            store.location()
        )))
    };
    // A client that has not heard of its first write tries again, and is then told that the object is there. Nobody else has its
    // name, so what matters is what it is.
    let new = store.create(object, "first".into()).await?;
    if store.create(object, "second".into()).await? {
        return unfit(
            "it lets an object be created twice (it ignores `If-None-Match`), so two coordinators could both commit",
        );
    }
    match store.read(object).await? {
        Some(bytes) if *bytes == *b"first" => {}
        _ if !new => return unfit("an object with a new name was said to exist"),
        _ => return unfit("an object is not read as it was written"),
    }
    if !store.list("probe", None).await?.iter().any(|listed| listed.object == object) {
        return unfit("an object that was just created is not listed");
    }
    Ok(())
}
