//! A float in a key.
#![allow(unused)]
use malstrom::Key;
#[derive(Key, PartialEq, Eq, Hash, Clone)]
struct Wrapped(u32);
#[derive(Key)]
struct Bad { id: Wrapped, amount: f64 }
impl PartialEq for Bad { fn eq(&self, _: &Self) -> bool { true } }
impl Eq for Bad {}
impl std::hash::Hash for Bad { fn hash<H: std::hash::Hasher>(&self, _: &mut H) {} }
impl Clone for Bad { fn clone(&self) -> Self { todo!() } }
fn main() {}
