//! How many key groups there are, and which one a key is in.
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// How many key groups a job has: a power of two, from 128 to 32768.
///
/// The group of a key is the top bits of its hash. So twice as many groups are what there is when each one is halved, and nothing
/// else changes: the keys of group `g` are then in the groups `2g` and `2g + 1`. Halves are not put together again.
///
/// ```
/// use malstrom_core::contract::key::KeyGroups;
/// let (before, after) = (KeyGroups::DEFAULT, KeyGroups::new(8192)?);
/// assert_eq!((before.count(), after.count(), before.halvings_to(after)), (4096, 8192, Some(1)));
/// let hash = 0x0123_4567_89AB_CDEF;
/// assert_eq!((before.of(hash), after.of(hash)), (0x012, 0x024));
/// assert_eq!(after.halvings_to(before), None);
/// assert!(KeyGroups::new(5000).is_err());
/// # Ok::<(), malstrom_core::contract::key::KeyGroupsError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyGroups {
    bits: u32,
}
/// Why there cannot be so many key groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyGroupsError {
    /// The number is no power of two, or out of range.
    #[error(
        "there cannot be {0} key groups: their number is a power of two from {least} to {most} ({default} by default)",
        least = KeyGroups::LEAST.count(),
        most = KeyGroups::MOST.count(),
        default = KeyGroups::DEFAULT.count()
    )]
    Count(String),
}

impl KeyGroups {
    /// As many as a job has for which nobody has asked for another number.
    pub const DEFAULT: KeyGroups = KeyGroups { bits: 12 };
    /// The fewest that there can be.
    pub const LEAST: KeyGroups = KeyGroups { bits: 7 };
    /// The most that there can be: one bit less than the number of a group has, as 65535 stands for none in snapshots.
    pub const MOST: KeyGroups = KeyGroups { bits: 15 };

    /// So many.
    ///
    /// # Errors
    /// If there cannot be so many.
    pub fn new(count: usize) -> Result<Self, KeyGroupsError> {
        let groups = KeyGroups { bits: count.trailing_zeros() };
        let can_be = count.is_power_of_two() && (Self::LEAST..=Self::MOST).contains(&groups);
        if can_be { Ok(groups) } else { Err(KeyGroupsError::Count(count.to_string())) }
    }
    /// How many there are.
    #[inline]
    pub const fn count(self) -> usize {
        1 << self.bits
    }
    /// How many bits of a hash name the group.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.bits
    }
    /// The group of a key with this hash.
    #[inline(always)]
    pub const fn of(self, hash: u64) -> u16 {
        (hash >> (u64::BITS - self.bits)) as u16
    }
    /// The numbers of all groups.
    pub const fn all(self) -> Range<u16> {
        0..1 << self.bits
    }
    /// How often each group must be halved so that there are so many. `None` if there are more already.
    pub const fn halvings_to(self, more: KeyGroups) -> Option<u32> {
        more.bits.checked_sub(self.bits)
    }
}
impl Default for KeyGroups {
    fn default() -> Self {
        Self::DEFAULT
    }
}
impl fmt::Display for KeyGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.count().fmt(f)
    }
}
impl fmt::Debug for KeyGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyGroups({self})")
    }
}
impl FromStr for KeyGroups {
    type Err = KeyGroupsError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map_err(|_| KeyGroupsError::Count(format!("`{text}`"))).and_then(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A group that is halved keeps all its keys, in two groups beside each other.
        #[test]
        fn the_halves_of_a_group_have_its_keys(hash: u64, few in 7u32..=15, halvings in 0u32..9) {
            let before = KeyGroups::new(1 << few).unwrap();
            let Ok(after) = KeyGroups::new(1 << (few + halvings)) else { return Ok(()) };
            prop_assert_eq!(before.halvings_to(after), Some(halvings));
            prop_assert_eq!(after.of(hash) >> halvings, before.of(hash));
            prop_assert!(after.all().contains(&after.of(hash)));
        }
        #[test]
        fn there_are_powers_of_two(count in 0usize..70_000) {
            let can_be = count.is_power_of_two() && (128..=32768).contains(&count);
            prop_assert_eq!(KeyGroups::new(count).ok().map(KeyGroups::count), can_be.then_some(count));
        }
    }
    #[test]
    fn what_cannot_be_is_told() {
        let told = |text: &str| text.parse::<KeyGroups>().unwrap_err().to_string();
        assert_eq!(
            told("65536"),
            "there cannot be 65536 key groups: their number is a power of two from 128 to 32768 (4096 by default)"
        );
        assert!(told("many").starts_with("there cannot be `many` key groups"));
        assert_eq!("8192".parse(), KeyGroups::new(8192));
    }
}
