//! `timestamps(..)` and `window(..)`.
use super::module;
use super::stage::{failures, graph, stream};
use super::syntax::{Builtin, Failure};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

pub(super) fn timestamps(builtin: &Builtin, id: &str) -> TokenStream {
    let Builtin { word, args, .. } = builtin;
    let span = word.span();
    let (g, s, m) = (graph(span), stream(span), module(span));
    let lag = match builtin.option("lag") {
        Some(lag) => {
            let (m, s) = (module(lag.span()), stream(lag.span()));
            quote_spanned!(lag.span()=> #m::IsLength::pass(#m::length(&#m::value_of(&#s), #lag)))
        }
        None => quote_spanned!(span=> #m::Zero),
    };
    let idle = match builtin.option("idle") {
        Some(idle) => quote_spanned!(idle.span()=> ::core::option::Option::Some(#idle)),
        None => quote_spanned!(span=> ::core::option::Option::None),
    };
    let length = Ident::new("__lag", span);
    quote_spanned! {span=>
        let #s = #m::by(#s, #args);
        let #s = #m::IsTime::pass(#m::is_time(&#m::value_of(&#s), #s));
        let #length = #lag;
        let #s = #m::timestamps(#g.clone(), #id, #s, #length, #idle);
    }
}

pub(super) fn window(builtin: &Builtin, id: &str) -> TokenStream {
    let Builtin { word, args, failure, .. } = builtin;
    let Some(windows) = args.first() else { return TokenStream::new() };
    let (span, at) = (word.span(), windows.span());
    let (g, s, m) = (graph(span), stream(span), module(span));
    let (s_at, m_at) = (stream(at), module(at));
    let (w, w_at, late, length) = (
        Ident::new("__windows", span),
        Ident::new("__windows", at),
        Ident::new("__late", span),
        Ident::new("__lateness", span),
    );
    let checks = quote_spanned! {at=>
        let #w_at = #m_at::IsWindow::pass(#m_at::is_window(#windows));
    };
    let measured = quote_spanned! {at=>
        let (#w_at, #s_at) = #m_at::IsLength::pass(#m_at::window_length(#w_at, #s_at));
    };
    let (check, policy, bound) = match failure {
        None => (
            quote_spanned!(span=> let (#w, #s) = #m::NeverLate::pass(#m::late(#w, #s));),
            quote_spanned!(span=> #m::LateFails),
            quote!(_),
        ),
        Some(Failure::Fail(_)) => (TokenStream::new(), quote_spanned!(span=> #m::LateFails), quote!(_)),
        Some(Failure::Drop(_)) => (TokenStream::new(), quote_spanned!(span=> #m::LateDrops), quote!(_)),
        Some(Failure::Stream(_, name)) => {
            let failures = failures(name);
            (TokenStream::new(), quote_spanned!(span=> #m::late_goes(&#s)), quote!(#failures))
        }
    };
    let cut = match builtin.option("lateness") {
        None => quote_spanned!(span=> #m::window(#g.clone(), #id, #s, #w, #late)),
        Some(lateness) => {
            let (m_l, s_l) = (module(lateness.span()), stream(lateness.span()));
            let measured = quote_spanned!(lateness.span()=> #m_l::IsLength::pass(#m_l::length_at(&#s_l, #lateness)));
            quote_spanned! {span=> {
                let #length = #measured;
                #m::window_lenient(#g.clone(), #id, #s, #w, #length, #late)
            }}
        }
    };
    quote_spanned! {span=>
        #checks
        let #s = #m::Grouped::pass(#m::grouped(&#m::stage::window, #s));
        let #s = #m::TimedFor::pass(#m::window_time(&#w, &#m::stage::window, #s));
        #measured
        #check
        let (#s, #bound) = { let #late = #policy; #cut };
    }
}
