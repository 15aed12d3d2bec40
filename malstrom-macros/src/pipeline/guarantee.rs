//! `#[guarantee(exactly_once)]`: what a pipeline promises, which each of its sources and sinks must keep.
use super::stage::marker;
use super::{local, module};
use crate::errors::{Errors, error};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, Meta};

fn is_guarantee(attr: &&Attribute) -> bool {
    attr.path().is_ident("guarantee")
}

/// A promise of exactly-once, by the pipeline of this name.
pub(super) struct Promise(Ident);
impl Promise {
    /// What is said once, before all statements: a type that messages call the pipeline by.
    pub(super) fn declare(&self) -> TokenStream {
        let (name, marker) = (variable(self.0.span()), marker(&self.0));
        quote_spanned!(self.0.span()=> let #name = #marker;)
    }
}
fn variable(span: Span) -> Ident {
    local("__promise", span)
}
/// Checks that the source in `var` can be read again.
pub(super) fn of_source(var: &Ident, span: Span) -> TokenStream {
    check(var, span, ["RepeatsLost", "repeated"])
}
/// Checks that the sink in `var` is exactly-once.
pub(super) fn of_sink(var: &Ident, span: Span) -> TokenStream {
    let checks = [
        ["KeepsPromise", "promised"],
        ["StdoutKeepsPromise", "promised_stdout"],
        ["DebugKeepsPromise", "promised_debug"],
    ];
    checks.into_iter().map(|words| check(var, span, words)).collect()
}
fn check(var: &Ident, span: Span, words: [&str; 2]) -> TokenStream {
    let (m, promise) = (module(span), variable(span));
    let [check, edge] = words.map(|word| Ident::new(word, span));
    quote_spanned!(span=> let #var = #m::#check::pass(#m::#edge(#var, #promise));)
}

/// The attributes of a closed pipeline that are not the macro's, and what it promises.
pub(super) fn of_pipeline<'a>(
    pipeline: &Ident,
    attrs: &'a [Attribute],
    errors: &mut Errors,
) -> (Vec<&'a Attribute>, Option<Promise>) {
    let mut promise = None;
    for attr in attrs.iter().filter(is_guarantee) {
        if promise.is_some() {
            errors.push(error(attr, format!("pipeline `{pipeline}` has two guarantees"), "leave one of them"));
            continue;
        }
        let word = match &attr.meta {
            Meta::List(list) => syn::parse2::<Ident>(list.tokens.clone()).ok(),
            _ => None,
        };
        let help = "write `#[guarantee(exactly_once)]`";
        match word {
            Some(word) if word == "exactly_once" => promise = Some(Promise(pipeline.clone())),
            Some(word) => errors.push(error(&word, format!("a pipeline cannot promise `{word}`"), help)),
            None => errors.push(error(attr, "a guarantee is one word: `exactly_once`", help)),
        }
    }
    (attrs.iter().filter(|attr| !is_guarantee(attr)).collect(), promise)
}

/// The attributes of a fragment, which promises nothing.
pub(super) fn of_fragment<'a>(fragment: &Ident, attrs: &'a [Attribute], errors: &mut Errors) -> Vec<&'a Attribute> {
    for attr in attrs.iter().filter(is_guarantee) {
        let message = format!("fragment `{fragment}` has neither sources nor sinks, so it can promise nothing");
        errors.push(error(attr, message, "put `#[guarantee(exactly_once)]` on the pipeline that uses it"));
    }
    attrs.iter().filter(|attr| !is_guarantee(attr)).collect()
}
