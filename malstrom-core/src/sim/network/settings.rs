//! What a network is like.
use std::ops::Range;
use std::time::Duration;

/// How a network behaves when nobody harms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a message is on its way.
    pub delay: Range<Duration>,
    /// How soon after a break there is another connection, or after a start the first.
    pub reconnect: Range<Duration>,
    /// How soon an end of a broken connection finds out.
    pub notice: Range<Duration>,
    /// How much longer than that it takes one of them in one of three cases.
    pub late: Duration,
    /// One of so many datagrams gets lost; none if it is 0.
    pub lost: u64,
    /// One of so many datagrams arrives twice; none if it is 0.
    pub twice: u64,
}
impl Default for Settings {
    /// Delays of 0.1 to 20 ms, breaks that are noticed within 50 ms or 1 s and mended within 200 ms; of datagrams a tenth is
    /// lost and a tenth comes twice.
    fn default() -> Self {
        let ms = Duration::from_millis;
        Settings {
            delay: Duration::from_micros(100)..ms(20),
            reconnect: ms(1)..ms(200),
            notice: ms(0)..ms(50),
            late: ms(1000),
            lost: 10,
            twice: 10,
        }
    }
}
