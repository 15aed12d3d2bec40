//! Lengths of time on the command line.
use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// `500ms`, `10s`, `5m`, `1h`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: write `500ms`, `10s`, `5m`, `1h` or `1d`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    number.checked_mul(*millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// The same, but not nothing.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time.is_zero() { Err("this cannot be zero".into()) } else { Ok(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
    }
    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for text in ["", "10", "s", "1.5s", "-1s", "10 s", "1w", "99999999999999999999s", "18446744073709551615d"] {
            assert!(duration(text).unwrap_err().contains("10s"), "{text}");
        }
        assert!(pause("0s").is_err());
    }
}
