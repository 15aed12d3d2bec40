//! The stages that a pipeline has of its own, their arguments and their options.
use super::{Builtin, Operator, Stage, alias, failure};
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Path, Result, Token, token};

/// Built-in stages, with the least and the greatest number of arguments.
const BUILTINS: [(&str, usize, &str); 20] = [
    ("map", 1, "map(|record| ..)"),
    ("filter", 1, "filter(|record| ..)"),
    ("filter_map", 1, "filter_map(|record| ..)"),
    ("flat_map", 1, "flat_map(|record| ..)"),
    ("inspect", 1, "inspect(|record| ..)"),
    ("key_by", 1, "key_by(|record| ..)"),
    ("split", 1, "split(|record| ..)"),
    ("timestamps", 1, "timestamps(|record| .., lag = .., idle = ..)"),
    ("window", 1, "window(tumbling(..), lateness = ..)"),
    ("combine", 0, "combine()"),
    ("count", 0, "count()"),
    ("sum", 1, "sum(|record| ..)"),
    ("min", 1, "min(|record| ..)"),
    ("max", 1, "max(|record| ..)"),
    ("average", 1, "average(|record| ..)"),
    ("reduce", 1, "reduce(|a, b| ..)"),
    ("fold", 2, "fold(init, |acc, record| ..)"),
    ("top", 2, "top(n, |record| ..)"),
    ("distinct", 0, "distinct()"),
    ("sink", 1, "sink(..)"),
];
/// The options of built-in stages.
const OPTIONS: [(&str, &[&str]); 3] =
    [("timestamps", &["lag", "idle"]), ("window", &["lateness"]), ("join", &["within", "window", "kind"])];

/// Takes the options out of what stands in the parentheses.
pub(super) fn options(
    word: &Ident,
    args: Punctuated<Expr, Token![,]>,
) -> Result<(Punctuated<Expr, Token![,]>, Vec<(Ident, Expr)>)> {
    let known = OPTIONS.iter().find(|(name, _)| word == name).map_or(&[][..], |(_, known)| known);
    let (mut rest, mut options) = (Punctuated::new(), Vec::<(Ident, Expr)>::new());
    for arg in args {
        let Expr::Assign(assign) = &arg else {
            rest.push(arg);
            continue;
        };
        let Some(name) = (match &*assign.left {
            Expr::Path(path) => path.path.get_ident().cloned(),
            _ => None,
        }) else {
            rest.push(arg);
            continue;
        };
        if !known.iter().any(|known| name == known) {
            return Err(unknown_option(word, known, &name));
        }
        if options.iter().any(|(other, _)| *other == name) {
            return Err(Error::new(name.span(), format!("`{name}` is given twice")));
        }
        options.push((name, (*assign.right).clone()));
    }
    Ok((rest, options))
}
fn unknown_option(word: &Ident, known: &[&str], name: &Ident) -> Error {
    let help = match known {
        [] => "it has no options".to_owned(),
        known => format!("options: {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")),
    };
    Error::new(name.span(), format!("`{word}` has no option `{name}`\n  help: {help}"))
}

impl Parse for Stage {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(Token![;]) || !(input.peek(Ident::peek_any) || input.peek(Token![::])) {
            let names: Vec<_> = BUILTINS.iter().map(|(name, ..)| format!("`{name}`")).collect();
            return Err(
                input.error(format!("expected a stage after `->`: an operator, or one of {}", names.join(", ")))
            );
        }
        let path: Path = input.parse()?;
        let called = input.peek(token::Paren);
        let mut args = Punctuated::new();
        let builtin = path.get_ident().cloned();
        if let Some(word) =
            builtin.as_ref().filter(|word| called && (*word == "source" || *word == "union" || *word == "join"))
        {
            return Err(Error::new(
                word.span(),
                format!(
                    "`{word}(..)` begins a chain: it takes no input\n  help: an operator of that name is reached by its path, as in `self::{word}`"
                ),
            ));
        }
        if called {
            let content;
            syn::parenthesized!(content in input);
            args = content.parse_terminated(Expr::parse, Token![,])?;
        }
        if let Some(word) = builtin
            && let Some((name, wanted, form)) = BUILTINS.iter().find(|(name, ..)| word == name)
        {
            let (args, options) = options(&word, args)?;
            if !called || args.len() != *wanted {
                return Err(Error::new(
                    word.span(),
                    format!(
                        "`{name}` is written `{form}`\n  help: an operator of that name is reached by its path, as in `self::{name}`"
                    ),
                ));
            }
            let failure = failure(input)?;
            if let Some(failure) = failure.as_ref().filter(|_| word != "window") {
                return Err(Error::new(failure.span(), format!("`{name}` cannot fail, so there is nothing to handle")));
            }
            let (alias, was) = alias(input)?;
            return Ok(Stage::Builtin(Builtin { word, args, options, failure, alias, was }));
        }
        let failure = failure(input)?;
        let (alias, was) = alias(input)?;
        Ok(Stage::Operator(Operator { path, args, failure, alias, was }))
    }
}
