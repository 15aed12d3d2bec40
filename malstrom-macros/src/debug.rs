//! `MALSTROM_DEBUG_MACRO=name cargo check` prints what the item of that name expands to.
use proc_macro2::{TokenStream, TokenTree};

/// The name of an item: what follows `struct`, `enum`, `union` or `fn`.
pub(crate) fn name(item: &TokenStream) -> String {
    let mut tokens = item.clone().into_iter().skip_while(
        |token| !matches!(token, TokenTree::Ident(word) if ["struct", "enum", "union", "fn"].iter().any(|w| word == w)),
    );
    tokens.nth(1).map(|name| name.to_string()).unwrap_or_default()
}

/// Prints the expansion of the item `name` if it is the one asked for.
pub(crate) fn dump(name: &str, tokens: &TokenStream) {
    if std::env::var("MALSTROM_DEBUG_MACRO").is_ok_and(|wanted| wanted == name) {
        eprintln!("{}", format(tokens));
    }
}

/// The tokens as a formatted file, or as they are if they are not items.
pub(crate) fn format(tokens: &TokenStream) -> String {
    syn::parse2(tokens.clone()).map_or_else(|_| tokens.to_string(), |file| prettyplease::unparse(&file))
}
