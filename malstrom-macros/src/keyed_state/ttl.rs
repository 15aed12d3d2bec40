//! How long: `"30d"`, `"12h"`, `"5m"`, `"10s"`, `"100ms"`.
use crate::errors::error;
use std::time::Duration;
use syn::LitStr;

pub(super) fn parse(literal: &LitStr) -> syn::Result<Duration> {
    let text = literal.value();
    let help = "write a number and one of `d`, `h`, `m`, `s`, `ms`: `\"30d\"`";
    let wrong = || error(literal, format!("`{text}` is not a length of time"), help);
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let millis = number.checked_mul(millis).ok_or_else(wrong)?;
    if millis == 0 {
        return Err(error(literal, "state that lives for no time is no state", help));
    }
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proc_macro2::Span;
    use std::time::Duration;

    #[test]
    fn lengths() {
        let parse = |text: &str| parse(&syn::LitStr::new(text, Span::call_site())).ok();
        assert_eq!(parse("30d"), Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(parse("100ms"), Some(Duration::from_millis(100)));
        assert_eq!(parse("5m"), Some(Duration::from_secs(300)));
        for wrong in
            ["", "30", "d", "3 weeks", "-1s", "0s", "99999999999999999999d", "9999999999999999d", "1.5h", "30dé"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
