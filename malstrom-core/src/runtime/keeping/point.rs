//! What a job is restored from.
use std::fmt;
use std::str::FromStr;

/// What a job is restored from: `latest`, `none`, the number of a snapshot, or the name of a savepoint.
///
/// ```
/// use malstrom_core::runtime::Restore;
/// assert_eq!("latest".parse(), Ok(Restore::Latest));
/// assert_eq!("12".parse(), Ok(Restore::Snapshot(12)));
/// assert_eq!("before-the-upgrade".parse(), Ok(Restore::Savepoint("before-the-upgrade".into())));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restore {
    /// The newest snapshot or savepoint; from the beginning if there is none.
    #[default]
    Latest,
    /// Nothing: the job begins anew, beside the snapshots that there are of it.
    None,
    /// The snapshot of this number.
    Snapshot(u64),
    /// The savepoint of this name.
    Savepoint(String),
}
impl FromStr for Restore {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "latest" => Ok(Restore::Latest),
            "none" => Ok(Restore::None),
            number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                number.parse().map(Restore::Snapshot).map_err(|_| format!("there is no snapshot {number}"))
            }
            name => check_name(name).map(|()| Restore::Savepoint(name.to_owned())),
        }
    }
}
impl fmt::Display for Restore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Restore::Latest => f.write_str("latest"),
            Restore::None => f.write_str("none"),
            Restore::Snapshot(interval) => write!(f, "{interval}"),
            Restore::Savepoint(name) => f.write_str(name),
        }
    }
}

/// Whether a savepoint may have this name: it is part of the names of objects, and is told apart from `latest`, `none` and
/// numbers.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) || name.starts_with('.') {
        return Err(format!(
            "`{name}` cannot be the name of a savepoint: it has 1 to 100 letters, digits, `-`, `_` and `.`, and does not begin with `.`"
        ));
    }
    if matches!(name, "latest" | "none") || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{name}` cannot be the name of a savepoint: it means something else in `--restore`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for point in [Restore::Latest, Restore::None, Restore::Snapshot(7), Restore::Savepoint("v1.2".into())] {
            assert_eq!(point.to_string().parse(), Ok(point));
        }
    }
    #[test]
    fn names_that_would_be_something_else_are_refused() {
        for name in ["", "a/b", "..", "latest", "none", "42", "ä", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!("99999999999999999999".parse::<Restore>().is_err());
    }
}
