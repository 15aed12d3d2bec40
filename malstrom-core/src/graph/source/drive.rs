//! The loop that reads records into a fused chain.
use crate::contract::form::Under;
use crate::contract::source::{Read, SplitReader};
use crate::contract::stage::Emit;
use crate::stream::call::OnFail;
use crate::stream::env::Site;
use crate::stream::{At, Push};

/// What the records of a source travel under: nothing.
pub(super) type Root = Under<(), ()>;
const ROOT: At<'static, Root> = At { key: &(), hash: 0, stamp: () };

/// Pushes what a reader emits straight into the chain.
struct Feed<'a, P, F> {
    chain: &'a mut P,
    on_fail: &'a mut F,
    site: &'a Site,
    emitted: u64,
}
impl<T, E, P: Push<Root, T>, F: OnFail<Root, E>> Emit<T, E> for Feed<'_, P, F> {
    #[inline(always)]
    fn emit(&mut self, record: T) {
        if self.on_fail.stopped() {
            return;
        }
        self.chain.push(ROOT, record);
        self.emitted += 1;
    }
    #[inline(always)]
    fn fail(&mut self, error: E) {
        self.on_fail.fail(ROOT, error, self.site);
    }
}

/// The loop over the records of one read.
///
/// A function of its own that takes the chain out of its place: on the stack nothing but this loop ever sees its
/// address, so its fields become registers and its branches selections.
#[inline(never)]
pub(super) fn drive<R, P, F>(
    reader: &mut R,
    place: &mut Option<P>,
    on_fail: &mut F,
    site: &Site,
    chunk: usize,
) -> (u64, crate::Result<Read>)
where
    R: SplitReader,
    P: Push<Root, R::Out>,
    F: OnFail<Root, R::Error>,
{
    let Some(mut chain) = place.take() else { return (0, Ok(Read::End)) };
    let mut feed = Feed { chain: &mut chain, on_fail, site, emitted: 0 };
    let read = reader.read(chunk, &mut feed);
    let emitted = feed.emitted;
    *place = Some(chain);
    (emitted, read)
}
