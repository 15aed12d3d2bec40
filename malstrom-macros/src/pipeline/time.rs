//! `timestamps(..)`, `window(..)` and `join(..)`.
use super::module;
use super::stage::{code, failures, graph, probing, stream};
use super::syntax::{Builtin, Failure, Join, JoinOn};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

pub(super) fn timestamps(builtin: &Builtin, id: &str) -> TokenStream {
    let Builtin { word, args, .. } = builtin;
    let span = word.span();
    let (g, s, m) = (graph(span), stream(span), module(span));
    let lag = match builtin.option("lag") {
        Some((_, lag)) => {
            let (m, s) = (module(lag.span()), stream(lag.span()));
            quote_spanned!(lag.span()=> #m::IsLength::pass(#m::length(&#m::value_of(&#s), #lag)))
        }
        None => quote_spanned!(span=> #m::Zero),
    };
    let idle = match builtin.option("idle") {
        Some((_, idle)) => {
            let m = module(idle.span());
            quote_spanned!(idle.span()=> ::core::option::Option::Some(#m::IsIdle::pass(#m::idle(#idle))))
        }
        None => quote_spanned!(span=> ::core::option::Option::None),
    };
    let length = Ident::new("__lag", span);
    quote_spanned! {span=>
        let #s = #m::TakesNoWindows::pass(#m::whole(&#m::stage::timestamps, #s));
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
        Some((name, lateness)) => {
            let (m_l, s_l) = (module(lateness.span()), stream(lateness.span()));
            let (m_n, s_n, w_n) = (module(name.span()), stream(name.span()), Ident::new("__windows", name.span()));
            let lenient = quote_spanned! {name.span()=>
                let (#w_n, #s_n) = #m_n::HasLateness::pass(#m_n::lenient(#w_n, #s_n));
            };
            let measured = quote_spanned!(lateness.span()=> #m_l::IsLength::pass(#m_l::length_at(&#s_l, #lateness)));
            quote_spanned! {span=> {
                #lenient
                let #length = #measured;
                #m::window_lenient(#g.clone(), #id, #s, #w, #length, #late)
            }}
        }
    };
    quote_spanned! {span=>
        #checks
        let #s = #m::Grouped::pass(#m::grouped(&#m::stage::window, #s));
        let #s = #m::TakesNoWindows::pass(#m::whole(&#m::stage::window, #s));
        let #s = #m::TimedFor::pass(#m::window_time(&#w, &#m::stage::window, #s));
        #measured
        #check
        let (#s, #bound) = { let #late = #policy; #cut };
    }
}

pub(super) fn join(join: &Join, id: &str, [left, right]: [TokenStream; 2]) -> TokenStream {
    let Join { word, left: left_name, right: right_name, on, kind, .. } = join;
    let span = word.span();
    let (g, s, m) = (graph(span), stream(span), module(span));
    let (l, r, on_var) = (Ident::new("__left", span), Ident::new("__right", span), Ident::new("__on", span));
    let edge = |var: &Ident| {
        quote_spanned! {span=>
            let #var = #m::Grouped::pass(#m::grouped(&#m::stage::join, #var));
            let #var = #m::TimedFor::pass(#m::needs_time(&#m::stage::join, #var));
            let #var = #m::TakesNoWindows::pass(#m::whole(&#m::stage::join, #var));
        }
    };
    let (edges, at) = ([edge(&l), edge(&r)], right_name.span());
    let (m_r, l_r, r_r) = (module(at), Ident::new("__left", at), Ident::new("__right", at));
    let alike = quote_spanned! {at=>
        let #r_r = #m_r::JoinsKeys::pass(#m_r::joined_keys(&#l_r, #r_r));
        let #r_r = #m_r::JoinsTimes::pass(#m_r::joined_times(&#l_r, #r_r));
    };
    let copied = |name: &Ident, var: &str| {
        let (m, var) = (module(name.span()), Ident::new(var, name.span()));
        quote_spanned!(name.span()=> let #var = #m::Pairs::pass(#m::paired(#var));)
    };
    let copies = [copied(left_name, "__left"), copied(right_name, "__right")];
    let (on, method) = match on {
        JoinOn::Within(within) => {
            let (at, m, l) = (within.span(), module(within.span()), Ident::new("__left", within.span()));
            (quote_spanned!(at=> #m::IsLength::pass(#m::length_at(&#l, #within))), "join_within")
        }
        JoinOn::Window(windows) => {
            let (at, m, l) = (windows.span(), module(windows.span()), Ident::new("__left", windows.span()));
            let on = quote_spanned! {at=> {
                let __windows = #m::IsWindow::pass(#m::is_window(#windows));
                let __windows = #m::PairsWithin::pass(#m::pairs_within(__windows));
                let (__windows, _) = #m::IsLength::pass(#m::window_length(__windows, #m::seen(&#l)));
                __windows
            }};
            (on, "join_window")
        }
    };
    let method = Ident::new(method, span);
    let [of_left, of_right] = [&l, &r].map(|side| code(span, &quote_spanned!(span=> &#m::item_of(&#side))));
    let codes = probing(span, &quote_spanned!(span=> (#of_left, #of_right)));
    let codes_var = Ident::new("__codes", span);
    quote_spanned! {span=>
        let (#l, #r) = (#left, #right);
        #(#edges)*
        #alike
        #(#copies)*
        let #on_var = #on;
        let #codes_var = #codes;
        let #s = #m::#method(#g.clone(), #id, (#l, #r), #on_var, #m::#kind, #codes_var);
    }
}
