//! `#[attribute(name, name = value, ..)]`, read option by option: a broken one does not hide the others.
use crate::errors::{Errors, error};
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};

/// Reads the options of `attribute`, all of which must be `known`. `read` takes what follows the name.
pub(crate) fn read(
    attribute: &str,
    known: &[&str],
    tokens: TokenStream,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    let mut seen: Vec<Ident> = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match input.call(Ident::parse_any) {
                Err(_) => errors.push(input.error(format!("expected an option of `{attribute}`: {}", list(known)))),
                Ok(name) if !known.iter().any(|known| name == known) && !name.to_string().starts_with("__") => {
                    errors.push(unknown(attribute, known, &name));
                    skip(input);
                }
                Ok(name) if seen.contains(&name) => {
                    errors.push(error(&name, format!("`{name}` is given twice"), "remove one of them"));
                    skip(input);
                }
                Ok(name) => {
                    if errors.keep(read(&name, input)).is_none() {
                        skip(input);
                    }
                    seen.push(name);
                }
            }
            if input.is_empty() {
                break;
            }
            if input.parse::<Option<Token![,]>>()?.is_none() {
                errors.push(input.error("expected `,` between options"));
                skip(input);
                input.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(())
    };
    let result = parser.parse2(tokens);
    errors.keep(result);
}

/// `= value`.
pub(crate) fn value<T: syn::parse::Parse>(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(error(name, format!("`{name}` needs a value"), format!("write `{name} = {example}`")));
    }
    input.parse::<Token![=]>()?;
    let at = input.span();
    input.parse().map_err(|cause: syn::Error| {
        // At the end of the input there is no token to point to.
        let at = if input.is_empty() { name.span() } else { at };
        crate::errors::error_at(at, format!("`{name}`: {cause}"), format!("write `{name} = {example}`"))
    })
}

fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}

fn unknown(attribute: &str, known: &[&str], name: &Ident) -> syn::Error {
    let text = name.to_string();
    let nearest = known.iter().map(|&known| (distance(known, &text), known)).min();
    let help = match nearest {
        Some((distance, nearest)) if distance <= 1 + nearest.len() / 4 => {
            format!("did you mean `{nearest}`? (options: {})", list(known))
        }
        _ => format!("options: {}", list(known)),
    };
    error(name, format!("`{attribute}` has no option `{name}`"), &help)
}

fn list(known: &[&str]) -> String {
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How many letters must be inserted, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
