//! How a stream came from an exchange, which an aggregate right behind one asks, so that it can begin before it.

/// How a stream came from an exchange.
pub trait Crossing: 'static {
    /// How it came, once it is cut into windows of one size.
    type Sliced: Crossing;
}
/// There are other stages in between, or there was none.
#[derive(Debug)]
pub struct Apart;
/// It comes right out of one.
#[derive(Debug)]
pub struct Fresh;
/// It comes right out of one, and was cut into windows of one size.
#[derive(Debug)]
pub struct Sliced;
/// It comes right out of one, and `combine()` was asked for.
#[derive(Debug)]
pub struct Combining;
impl Crossing for Apart {
    type Sliced = Apart;
}
impl Crossing for Fresh {
    type Sliced = Sliced;
}
impl Crossing for Sliced {
    type Sliced = Apart;
}
impl Crossing for Combining {
    type Sliced = Apart;
}
