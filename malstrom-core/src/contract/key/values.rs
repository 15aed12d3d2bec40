//! The keys that come with the language.
use super::{KeyWriter, PartitionKey};
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

macro_rules! words {
    ($($t:ident as $word:ident, $len:literal)*) => {$(
        impl PartitionKey for $t {
            #[inline(always)]
            fn write_key(&self, out: &mut KeyWriter<'_>) {
                out.word(*self as $word as u64, $len);
            }
        }
    )*};
}
words! {
    u8 as u8, 1 u16 as u16, 2 u32 as u32, 4 u64 as u64, 8 usize as u64, 8
    i8 as u8, 1 i16 as u16, 2 i32 as u32, 4 i64 as u64, 8 isize as i64, 8
    bool as u8, 1 char as u32, 4
}
macro_rules! double_words {
    ($($t:ident)*) => {$(
        impl PartitionKey for $t {
            #[inline(always)]
            fn write_key(&self, out: &mut KeyWriter<'_>) {
                out.word(*self as u64, 8);
                out.word((*self >> 64) as u64, 8);
            }
        }
    )*};
}
double_words! { u128 i128 }

#[inline(always)]
fn length(len: usize, out: &mut KeyWriter<'_>) {
    out.word(len as u32 as u64, 4);
}

impl PartitionKey for String {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        length(self.len(), out);
        out.bytes(self.as_bytes());
    }
}
impl PartitionKey for bytes::Bytes {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        length(self.len(), out);
        out.bytes(self);
    }
}
impl PartitionKey for Duration {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        out.word(self.as_secs(), 8);
        out.word(u64::from(self.subsec_nanos()), 4);
    }
}
impl PartitionKey for () {
    #[inline(always)]
    fn write_key(&self, _: &mut KeyWriter<'_>) {}
}
impl<T: Send + 'static> PartitionKey for PhantomData<T> {
    #[inline(always)]
    fn write_key(&self, _: &mut KeyWriter<'_>) {}
}

impl<T: PartitionKey> PartitionKey for Option<T> {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        out.word(u64::from(self.is_some()), 1);
        if let Some(value) = self {
            value.write_key(out);
        }
    }
}
impl<T: PartitionKey> PartitionKey for Box<T> {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        (**self).write_key(out);
    }
}
impl<T: PartitionKey + Sync> PartitionKey for Arc<T> {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        (**self).write_key(out);
    }
}
impl<T: PartitionKey, const N: usize> PartitionKey for [T; N] {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        self.iter().for_each(|value| value.write_key(out));
    }
}
impl<T: PartitionKey> PartitionKey for Vec<T> {
    #[inline]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        length(self.len(), out);
        self.iter().for_each(|value| value.write_key(out));
    }
}
impl<T: PartitionKey + Ord> PartitionKey for BTreeSet<T> {
    #[inline]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        length(self.len(), out);
        self.iter().for_each(|value| value.write_key(out));
    }
}
impl<K: PartitionKey + Ord, V: PartitionKey> PartitionKey for BTreeMap<K, V> {
    #[inline]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        length(self.len(), out);
        for (key, value) in self {
            key.write_key(out);
            value.write_key(out);
        }
    }
}
macro_rules! tuples {
    ($([$($t:ident $v:ident)*])*) => {$(
        impl<$($t: PartitionKey),*> PartitionKey for ($($t,)*) {
            #[inline(always)]
            fn write_key(&self, out: &mut KeyWriter<'_>) {
                let ($($v,)*) = self;
                $($v.write_key(out);)*
            }
        }
    )*};
}
tuples! {
    [A a] [A a B b] [A a B b C c] [A a B b C c D d] [A a B b C c D d E e] [A a B b C c D d E e F f]
    [A a B b C c D d E e F f G g] [A a B b C c D d E e F f G g H h] [A a B b C c D d E e F f G g H h I i]
    [A a B b C c D d E e F f G g H h I i J j] [A a B b C c D d E e F f G g H h I i J j K k]
    [A a B b C c D d E e F f G g H h I i J j K k L l]
}
