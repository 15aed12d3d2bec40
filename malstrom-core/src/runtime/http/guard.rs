//! Who may ask: whoever knows the token, if there is one, and no page that somebody has open in a browser.
use axum::http::{HeaderMap, Method, header};
use std::fmt;
use std::hint::black_box;

/// A secret that requests carry as `Authorization: Bearer ..`. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
impl Token {
    /// The token in a text; space around it is none of it.
    ///
    /// # Errors
    /// What is wrong with it, without it.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let token = text.trim();
        if token.is_empty() {
            return Err("has no token in it: write one there, such as the output of `openssl rand -hex 32`");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a token that no header can carry: use letters, digits and signs, without spaces");
        }
        Ok(Token(token.to_owned()))
    }
    /// Whether this is the token. How long it takes to say so depends on the length of what is given only.
    fn is(&self, given: &[u8]) -> bool {
        let mine = self.0.as_bytes();
        let mut differs = u8::from(mine.len() != given.len());
        for (at, byte) in given.iter().enumerate() {
            differs |= black_box(byte ^ mine[at % mine.len()]);
        }
        black_box(differs) == 0
    }
    /// Whether these headers carry it.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        match value.as_bytes().split_at_checked(7) {
            Some((scheme, given)) => scheme.eq_ignore_ascii_case(b"bearer ") && self.is(given.trim_ascii()),
            None => false,
        }
    }
}

/// Whether a page in a browser asks for something to be done: browsers say so, and pages cannot keep them from it. Nobody is
/// to stop a job on this machine by luring somebody who works there to a page.
pub(super) fn is_of_a_page(method: &Method, headers: &HeaderMap) -> bool {
    !matches!(*method, Method::GET | Method::HEAD) && headers.contains_key(header::ORIGIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token::new(" open-sesame\n").unwrap();
        for right in ["Bearer open-sesame", "bearer open-sesame", "BEARER  open-sesame "] {
            assert!(token.is_in(&headers(&[right])), "{right}");
        }
        for wrong in
            ["", "Bearer", "Bearer ", "open-sesame", "Basic open-sesame", "Bearer open-sesam", "Bearer open-sesame1"]
        {
            assert!(!token.is_in(&headers(&[wrong])), "{wrong}");
        }
        assert!(!token.is_in(&headers(&["Bearer open-sesameopen-sesame"])));
        assert!(!token.is_in(&headers(&["Bearer open-sesame", "Bearer open-sesame"])), "which of them is meant?");
        assert!(!token.is_in(&HeaderMap::new()));
    }
    proptest! {
        #[test]
        fn equal_is_what_is_equal(a in "[!-~]{1,12}", b in "[!-~]{0,12}") {
            let token = Token::new(&a).unwrap();
            prop_assert!(token.is(a.as_bytes()));
            prop_assert_eq!(token.is(b.as_bytes()), a == b);
        }
    }
    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", " \n", "two words", "schlüssel", "a\0b"] {
            assert!(Token::new(text).is_err(), "{text:?}");
        }
    }
}
