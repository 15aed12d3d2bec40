//! The format: rkyv's, with limits. All that is unsafe about records is in this file.
#![allow(unsafe_code)]
use super::{CodecError, MAX_BYTES, MAX_DEPTH, MAX_EMPTY, Record};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::{Fallible, Strategy};
use rkyv::ser::{Allocator, Positional, Writer, WriterExt};
use rkyv::util::AlignedVec;
use rkyv::validation::archive::ArchiveValidator;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Deserialize, Place, Portable, Serialize};
use std::alloc::Layout as Memory;
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

/// How values of type `T` are laid out: an rkyv wrapper that can do all we need. Implemented by itself.
#[diagnostic::on_unimplemented(message = "`{Self}` is no layout for `{T}`")]
pub trait Layout<T>:
    ArchiveWith<T, Archived: Portable + for<'c> CheckBytes<Check<'c>>>
    + SerializeWith<T, Ser>
    + DeserializeWith<<Self as ArchiveWith<T>>::Archived, T, De>
{
}
#[diagnostic::do_not_recommend]
impl<T, L> Layout<T> for L where
    L: ArchiveWith<T, Archived: Portable + for<'c> CheckBytes<Check<'c>>>
        + SerializeWith<T, Ser>
        + DeserializeWith<<L as ArchiveWith<T>>::Archived, T, De>
{
}

/// Validates bytes before they are looked at.
pub type Check<'c> = Strategy<ArchiveValidator<'c>, CodecError>;

/// Reads values from validated bytes. It needs no memory of its own.
#[derive(Debug)]
pub struct De;
impl Fallible for De {
    type Error = CodecError;
}

/// Writes one record at the end of a vector, aligned relative to where it began.
#[derive(Debug)]
pub struct Ser {
    bytes: Vec<u8>,
    start: usize,
    depth: usize,
}
impl Ser {
    /// Runs `write` one level deeper.
    pub(crate) fn nested<R>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<R, CodecError>,
    ) -> Result<R, CodecError> {
        if self.depth == MAX_DEPTH {
            return Err(CodecError::new(format!("the value is nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let result = write(self);
        self.depth -= 1;
        result
    }
}
impl Fallible for Ser {
    type Error = CodecError;
}
impl Positional for Ser {
    fn pos(&self) -> usize {
        self.bytes.len() - self.start
    }
}
impl Writer for Ser {
    fn write(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        if bytes.len() > MAX_BYTES - self.pos() {
            return Err(CodecError::new(format!("the value takes more than {MAX_BYTES} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
// SAFETY: `push_alloc` returns fresh memory of the layout that was asked for, or an error.
unsafe impl Allocator for Ser {
    unsafe fn push_alloc(&mut self, layout: Memory) -> Result<NonNull<[u8]>, CodecError> {
        // SAFETY: the caller promises a layout of non-zero size.
        let memory = NonNull::new(unsafe { std::alloc::alloc(layout) });
        let memory = memory.ok_or_else(|| CodecError::new("out of memory"))?;
        Ok(NonNull::slice_from_raw_parts(memory, layout.size()))
    }
    unsafe fn pop_alloc(&mut self, memory: NonNull<u8>, layout: Memory) -> Result<(), CodecError> {
        // SAFETY: the caller promises that `push_alloc` returned `memory` for `layout`.
        unsafe { std::alloc::dealloc(memory.as_ptr(), layout) };
        Ok(())
    }
}

/// A `T` in bytes. A type of its own, so that a type's bytes can be named where only the type is known to be a record,
/// which is what lets recursive types exist.
#[repr(transparent)]
#[allow(missing_debug_implementations)]
pub struct Archived<T: Record>(<T::As as ArchiveWith<T>>::Archived);

// SAFETY: a transparent wrapper around what is portable.
unsafe impl<T: Record> Portable for Archived<T> {}

// SAFETY: a transparent wrapper is valid when its content is.
unsafe impl<'c, T: Record> CheckBytes<Check<'c>> for Archived<T> {
    unsafe fn check_bytes(value: *const Self, context: &mut Check<'c>) -> Result<(), CodecError> {
        let inner = value.cast::<<T::As as ArchiveWith<T>>::Archived>();
        // SAFETY: `inner` points to the same memory, of which the caller promises what is needed.
        unsafe { CheckBytes::check_bytes(inner, context) }
    }
}

/// A vector of elements in bytes.
///
/// Elements that take no bytes could be claimed in any number, so their number has a limit of its own.
#[repr(transparent)]
#[allow(missing_debug_implementations)]
pub struct Elements<U>(ArchivedVec<U>);

// SAFETY: a transparent wrapper around what is portable.
unsafe impl<U: Portable> Portable for Elements<U> {}

// SAFETY: a transparent wrapper is valid when its content is.
unsafe impl<'c, U: CheckBytes<Check<'c>>> CheckBytes<Check<'c>> for Elements<U> {
    unsafe fn check_bytes(value: *const Self, context: &mut Check<'c>) -> Result<(), CodecError> {
        let inner = value.cast::<ArchivedVec<U>>();
        // SAFETY: an offset and a length are valid whatever their bytes are, and the caller promises that they are there.
        // The elements are not looked at.
        Self::limit(unsafe { (*inner).len() })?;
        // SAFETY: `inner` points to the same memory, of which the caller promises what is needed.
        unsafe { CheckBytes::check_bytes(inner, context) }
    }
}
impl<U> Elements<U> {
    fn limit(len: usize) -> Result<(), CodecError> {
        if size_of::<U>() == 0 && len > MAX_EMPTY {
            return Err(CodecError::new(format!("more than {MAX_EMPTY} elements that take no bytes")));
        }
        Ok(())
    }
    pub(super) fn write<T: Serialize<Ser, Archived = U>>(
        items: impl ExactSizeIterator<Item = T> + Clone,
        ser: &mut Ser,
    ) -> Result<Written, CodecError> {
        let len = items.len();
        Self::limit(len)?;
        ser.nested(|ser| Ok(Written { at: ArchivedVec::serialize_from_iter::<T, _, _>(items, ser)?, len }))
    }
    pub(super) fn resolve(written: Written, out: Place<Self>) {
        // SAFETY: `Elements` is transparent.
        ArchivedVec::<U>::resolve_from_len(written.len, written.at, unsafe { out.cast_unchecked() });
    }
    pub(super) fn as_slice(&self) -> &[U] {
        self.0.as_slice()
    }
}
/// Where elements were written, and how many.
#[allow(missing_debug_implementations)]
pub struct Written {
    at: VecResolver,
    len: usize,
}

/// A record by value, where rkyv's traits are wanted.
#[derive(Debug)]
pub struct Own<T>(pub T);
/// A record by reference, where rkyv's traits are wanted.
#[derive(Debug)]
pub struct Ref<'a, T>(pub &'a T);

fn resolve<T: Record>(value: &T, resolver: <T::As as ArchiveWith<T>>::Resolver, out: Place<Archived<T>>) {
    // SAFETY: `Archived` is transparent.
    T::As::resolve_with(value, resolver, unsafe { out.cast_unchecked() });
}
impl<T: Record> Archive for Own<T> {
    type Archived = Archived<T>;
    type Resolver = <T::As as ArchiveWith<T>>::Resolver;
    fn resolve(&self, resolver: Self::Resolver, out: Place<Self::Archived>) {
        resolve(&self.0, resolver, out);
    }
}
impl<T: Record> Archive for Ref<'_, T> {
    type Archived = Archived<T>;
    type Resolver = <T::As as ArchiveWith<T>>::Resolver;
    fn resolve(&self, resolver: Self::Resolver, out: Place<Self::Archived>) {
        resolve(self.0, resolver, out);
    }
}
impl<T: Record> Serialize<Ser> for Ref<'_, T> {
    fn serialize(&self, ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        T::As::serialize_with(self.0, ser)
    }
}
impl<T: Record> Deserialize<Own<T>, De> for Archived<T> {
    fn deserialize(&self, de: &mut De) -> Result<Own<T>, CodecError> {
        self.read(de).map(Own)
    }
}
impl<T: Record> Archived<T> {
    pub(crate) fn read(&self, de: &mut De) -> Result<T, CodecError> {
        T::As::deserialize_with(&self.0, de)
    }
}

/// Whether all of a value lies in one place. What refers to other places needs to know them when it is resolved.
const fn is_flat<T: Record>() -> bool {
    size_of::<<T::As as ArchiveWith<T>>::Resolver>() == 0 && size_of::<Archived<T>>() <= MAX_BYTES
}

// Keys and small states are written and read by the million: all that is known of them beforehand is done beforehand.
#[inline(always)]
pub(super) fn encode<T: Record>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    if const { is_flat::<T>() } {
        let mut ser = Ser { bytes: Vec::new(), start: 0, depth: 0 };
        let resolver = T::As::serialize_with(value, &mut ser)?;
        if ser.bytes.is_empty() {
            let mut bytes = MaybeUninit::<Archived<T>>::zeroed();
            // SAFETY: `bytes` is aligned, there, and all zero.
            let place = unsafe { Place::new_unchecked(0, bytes.as_mut_ptr()) };
            resolve(value, resolver, place);
            out.extend_from_slice(place.as_slice());
            return Ok(());
        }
    }
    encode_parts(value, out)
}
fn encode_parts<T: Record>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    let mut ser = Ser { bytes: std::mem::take(out), start, depth: 0 };
    let result = Ref(value).serialize(&mut ser).and_then(|resolver| {
        ser.align_for::<Archived<T>>()?;
        // SAFETY: the writer has just been aligned for what is written.
        unsafe { ser.resolve_aligned(&Ref(value), resolver) }
    });
    *out = ser.bytes;
    if result.is_err() {
        out.truncate(start);
    }
    result.map(drop)
}

/// Some records in a row.
struct All<I>(I);
impl<'a, T: Record, I: ExactSizeIterator<Item = &'a T> + Clone> Archive for All<I> {
    type Archived = Elements<Archived<T>>;
    type Resolver = Written;
    fn resolve(&self, written: Written, out: Place<Self::Archived>) {
        Elements::resolve(written, out);
    }
}
/// Whether records in a row are written one after the other, each in as many bytes, with nothing in between.
const fn lies_in_rows<T: Record>() -> bool {
    is_flat::<T>() && size_of::<Archived<T>>() > 0
}
/// Appends all of these records, for who knows how many they are: one after the other if each lies in one place, and else as one
/// archive, which is read in place where it lies at a multiple of 16 bytes.
pub(crate) fn encode_all<'a, T: Record>(
    records: impl ExactSizeIterator<Item = &'a T> + Clone,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let start = out.len();
    if const { lies_in_rows::<T>() } {
        out.reserve(records.len() * size_of::<Archived<T>>());
        for record in records {
            encode(record, out)?;
        }
        return Ok(());
    }
    let mut ser = Ser { bytes: std::mem::take(out), start, depth: 0 };
    let result = Elements::write(records.clone().map(Ref), &mut ser).and_then(|written| {
        ser.align_for::<Elements<Archived<T>>>()?;
        // SAFETY: the writer has just been aligned for what is written.
        unsafe { ser.resolve_aligned(&All(records), written) }
    });
    *out = ser.bytes;
    if result.is_err() {
        out.truncate(start);
    }
    result.map(drop)
}
/// What [`encode_all`] has written, once it is known that it can be that.
pub(crate) struct AllOf<'a, T: Record> {
    bytes: Where<'a>,
    elements: std::marker::PhantomData<&'a [Archived<T>]>,
}
/// Bytes that are aligned, or need not be.
enum Where<'a> {
    There(&'a [u8]),
    Copied(AlignedVec<16>),
}
impl Where<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Where::There(bytes) => bytes,
            Where::Copied(copied) => copied.as_slice(),
        }
    }
}
impl<T: Record> AllOf<'_, T> {
    /// The values, one after the other.
    pub(crate) fn values(&self) -> impl Iterator<Item = Result<T, CodecError>> + '_ {
        let bytes = self.bytes.as_slice();
        let (rows, elements): (&[u8], &[Archived<T>]) = if const { lies_in_rows::<T>() } {
            (bytes, &[])
        } else {
            // SAFETY: `access_all` has found these very bytes to be valid, and aligned.
            (&[], unsafe { rkyv::api::access_unchecked::<Elements<Archived<T>>>(bytes) }.as_slice())
        };
        let rows = rows.chunks_exact(size_of::<Archived<T>>().max(1)).map(|row| decode(row));
        rows.chain(elements.iter().map(|element| element.read(&mut De)))
    }
}
/// Looks whether these bytes can be so many records that [`encode_all`] has written.
pub(crate) fn access_all<T: Record>(bytes: &[u8], count: usize) -> Result<AllOf<'_, T>, CodecError> {
    let elements = std::marker::PhantomData;
    let differs = |found: usize| CodecError::new(format!("there are to be {count} values, and there are {found}"));
    if const { lies_in_rows::<T>() } {
        // Each is validated when it is read.
        return match size_of::<Archived<T>>().checked_mul(count) {
            Some(len) if len == bytes.len() => Ok(AllOf { bytes: Where::There(bytes), elements }),
            _ => Err(differs(bytes.len() / size_of::<Archived<T>>())),
        };
    }
    let bytes = if bytes.as_ptr().cast::<Aligned<0>>().is_aligned() {
        Where::There(bytes)
    } else {
        let mut copied = AlignedVec::with_capacity(bytes.len());
        copied.extend_from_slice(bytes);
        Where::Copied(copied)
    };
    let there = bytes.as_slice();
    let mut validator = ArchiveValidator::with_max_depth(there, NonZeroUsize::new(MAX_DEPTH + 3));
    let found = rkyv::api::access_with_context::<Elements<Archived<T>>, _, CodecError>(there, &mut validator)?;
    match found.as_slice().len() {
        found if found == count => Ok(AllOf { bytes, elements }),
        found => Err(differs(found)),
    }
}
#[inline(always)]
pub(super) fn decode<T: Record>(bytes: &[u8]) -> Result<T, CodecError> {
    if !const { is_flat::<T>() } || bytes.len() != size_of::<Archived<T>>() {
        return decode_parts(bytes);
    }
    let mut copy = MaybeUninit::<Archived<T>>::uninit();
    let len = size_of::<Archived<T>>();
    // SAFETY: both have `len` bytes, and `copy` is new.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.as_mut_ptr().cast::<u8>(), len) };
    // SAFETY: these bytes have just been written.
    let copied = unsafe { std::slice::from_raw_parts(copy.as_ptr().cast::<u8>(), len) };
    let mut validator = ArchiveValidator::with_max_depth(copied, NonZeroUsize::new(MAX_DEPTH + 3));
    // SAFETY: `copy` is aligned, and all of its bytes are there.
    unsafe { Archived::<T>::check_bytes(copy.as_ptr(), Strategy::wrap(&mut validator)) }?;
    // SAFETY: it has just been found valid.
    unsafe { copy.assume_init_ref() }.read(&mut De)
}
fn decode_parts<T: Record>(bytes: &[u8]) -> Result<T, CodecError> {
    if bytes.len() > MAX_BYTES {
        return Err(CodecError::new(format!("the value takes more than {MAX_BYTES} bytes")));
    }
    if !bytes.as_ptr().cast::<Aligned<0>>().is_aligned() {
        match bytes.len() {
            0..=32 => return decode_copied::<T, 32>(bytes),
            33..=256 => return decode_copied::<T, 256>(bytes),
            _ => {}
        }
        let mut aligned = AlignedVec::<16>::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        return decode_aligned(&aligned);
    }
    decode_aligned(bytes)
}

/// The strictest alignment there is in the format, that of `u128`.
#[repr(align(16))]
struct Aligned<const N: usize>([u8; N]);

/// Reads a small value that is not aligned, without asking for memory.
fn decode_copied<T: Record, const N: usize>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut aligned = Aligned([0; N]);
    let copy = &mut aligned.0[..bytes.len()];
    copy.copy_from_slice(bytes);
    decode_aligned(copy)
}

fn decode_aligned<T: Record>(bytes: &[u8]) -> Result<T, CodecError> {
    // A string, a vector's elements and the root are a level each for the validator.
    let mut validator = ArchiveValidator::with_max_depth(bytes, NonZeroUsize::new(MAX_DEPTH + 3));
    rkyv::api::access_with_context::<Archived<T>, _, CodecError>(bytes, &mut validator)?.read(&mut De)
}
