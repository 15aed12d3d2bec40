//! The calls that one stage becomes.
//!
//! Every token emitted for a stage carries that stage's span, so whatever part of a call rustc blames, the caret lands
//! on what the user wrote.
use super::syntax::{Builtin, Failure, Operator, Stage};
use super::{guarantee, local, module, time};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Expr, Token, spanned::Spanned};

/// The stream that a chain has come to.
pub(super) fn stream(span: Span) -> Ident {
    local("__stream", span)
}
pub(super) fn graph(span: Span) -> Ident {
    local("__graph", span)
}

/// A marker type for the stream `name`, as a value. It stands in a block of its own, so that it hides nothing.
pub(super) fn marker(name: &Ident) -> TokenStream {
    quote_spanned! {name.span()=> {
        #[allow(non_camel_case_types, dead_code)]
        struct #name;
        ::core::marker::PhantomData::<#name>
    }}
}

/// Says what the id of the stage that comes next was, if it had another one.
pub(super) fn renamed(id: &str, was: Option<&Ident>) -> Option<TokenStream> {
    let was = was?;
    let (g, old) = (graph(was.span()), was.to_string());
    Some(quote_spanned!(was.span()=> #g.was(#id, #old);))
}

/// `windows` says whether the stream may be cut into windows, and `promises` whether its sink must be exactly-once.
pub(super) fn emit(stage: &Stage, id: &str, windows: bool, promises: bool) -> TokenStream {
    let builtin = match stage {
        Stage::Builtin(builtin) => builtin,
        Stage::Operator(op) => return operator(op, id, None, windows),
    };
    let Builtin { word, args, .. } = builtin;
    let span = word.span();
    let (g, s, m) = (graph(span), stream(span), module(span));
    match &*word.to_string() {
        "sink" => args.first().map(|expr| sink(word, expr, id, windows, promises)).unwrap_or_default(),
        "key_by" => quote_spanned! {span=>
            let #s = #m::by(#s, #args);
            let #s = #m::IsKey::pass(#m::is_key(&#m::value_of(&#s), #s));
            let #s = #m::Travels::pass(#m::travels(#s));
            let #s = #m::key_by(#g.clone(), #id, #s);
        },
        "timestamps" => time::timestamps(builtin, id),
        "window" => time::window(builtin, id),
        name if AGGREGATES.contains(&name) => aggregate(word, args, id),
        _ => quote_spanned!(span=> let #s = #m::#word(#g.clone(), #id, #s, #args);),
    }
}

/// How many outputs an operator has, in messages.
pub(crate) const WORDS: [&str; 5] = ["one", "two", "three", "four", "five"];

const AGGREGATES: [&str; 9] = ["count", "sum", "min", "max", "average", "reduce", "fold", "top", "distinct"];

/// Whether types are records, and how they are then written: `codes` asks that of each by [`code`].
pub(super) fn probing(span: Span, codes: &TokenStream) -> TokenStream {
    let m = module(span);
    quote_spanned! {span=> {
        #[allow(unused_imports)]
        use #m::Unwritten as _;
        #codes
    }}
}
/// How the type of `value` is written, which is an `Option` of it.
pub(super) fn code(span: Span, value: &TokenStream) -> TokenStream {
    let m = module(span);
    quote_spanned!(span=> #m::Probe::of(#value).code())
}

/// An aggregate. What it asks of its record and of its closure's value is checked before it is built, and how what it
/// keeps is written is found out where the type is known.
fn aggregate(word: &Ident, args: &Punctuated<Expr, Token![,]>, id: &str) -> TokenStream {
    let span = word.span();
    let (g, s, m, c) = (graph(span), stream(span), module(span), Ident::new("__code", span));
    let (first, last) = (args.first(), args.last());
    let by = quote_spanned!(span=> let #s = #m::by(#s, #last););
    let value = |check: &str| {
        let check = Ident::new(check, span);
        quote_spanned!(span=> let #s = #m::#check::pass(#m::value(&#m::value_of(&#s), #s));)
    };
    let item = |check: &str| {
        let check = Ident::new(check, span);
        quote_spanned!(span=> let #s = #m::#check::pass(#m::item(#s));)
    };
    let codes = |codes: &TokenStream| {
        let codes = probing(span, codes);
        quote_spanned!(span=> let #c = #codes;)
    };
    let of_item = || codes(&code(span, &quote_spanned!(span=> &#m::item_of(&#s))));
    let of_value = codes(&code(span, &quote_spanned!(span=> &#m::value_of(&#s))));
    let by_written = quote_spanned!(span=> #by #of_value let #s = #m::written(#s, #c););
    let all = |parts: &[TokenStream]| parts.iter().cloned().collect::<TokenStream>();
    let (before, given) = match &*word.to_string() {
        "sum" => (all(&[by_written, value("Adds")]), quote!(#s)),
        "min" | "max" => (all(&[by_written, value("Compares")]), quote!(#s)),
        "average" => (all(&[by, value("Averages")]), quote!(#s)),
        "top" => (all(&[item("Keeps"), of_item(), by, value("Ranks")]), quote_spanned!(span=> #s, #first, #c)),
        "reduce" => (all(&[item("Keeps"), of_item()]), quote_spanned!(span=> #s, #last, #c)),
        "distinct" => (all(&[item("TellsApart"), of_item()]), quote_spanned!(span=> #s, #c)),
        "fold" => {
            let (init, kept) = (Ident::new("__initial", span), Ident::new("__folded", span));
            let [state, record] = [0, 1].map(|index| {
                let part = syn::Index { index, span };
                code(span, &quote_spanned!(span=> &#kept.#part))
            });
            let codes = codes(&quote_spanned!(span=> let #kept = #m::folded(&#s); (#state, #record)));
            let before = quote_spanned! {span=>
                let #s = #m::Dealt::pass(#m::dealt_to(&#m::stage::#word, #s));
                let (#init, #s) = #m::Keeps::pass(#m::initial(#first, #s));
                let #s = #m::folding(#s, #init, #last);
                #codes
            };
            (before, quote_spanned!(span=> #s, #c))
        }
        _ => (TokenStream::new(), quote!(#s)),
    };
    quote_spanned! {span=>
        let #s = #m::Grouped::pass(#m::grouped(&#m::stage::#word, #s));
        #before
        let #s = #m::#word(#g.clone(), #id, #given);
    }
}

fn sink(word: &Ident, expr: &Expr, id: &str, windows: bool, promises: bool) -> TokenStream {
    // The sink is what is wrong if its type does not fit.
    let span = expr.span();
    let (s, m, x) = (stream(span), module(span), Ident::new("__sink", span));
    let (g_word, s_word, m_word, x_word) =
        (graph(word.span()), stream(word.span()), module(word.span()), Ident::new("__sink", span));
    let checks = quote_spanned! {span=>
        let #x = #m::IsSink::pass(#m::is_sink(#expr));
        let #s = #m::DrainsInto::pass(#m::drained(&#x, #s));
        let #s = #m::Shown::pass(#m::shown(&#x, #s));
        let #s = #m::Dumped::pass(#m::dumped(&#x, #s));
    };
    let promised = promises.then(|| guarantee::of_sink(&x, span));
    let closed = windows
        .then(|| quote_spanned!(word.span()=> let #s_word = #m_word::WindowsClosed::pass(#m_word::closed(#s_word));));
    let end = quote_spanned!(word.span()=> #m_word::sink(#g_word.clone(), #id, #x_word, #s_word););
    quote!(#closed #checks #promised #end)
}

/// The checks of an operator on `stream`: the record and the key.
fn checks(span: Span, stream: &Ident, record: &str) -> TokenStream {
    let (m, x, record) = (module(span), Ident::new("__op", span), Ident::new(record, span));
    quote_spanned! {span=>
        let #stream = #m::FlowsInto::pass(#m::#record(&#x, #stream));
        let #stream = #m::WorksUnkeyed::pass(#m::keyed(&#x, #stream));
        let #stream = #m::SameKey::pass(#m::same_key(&#x, #stream));
        let #stream = #m::HasKey::pass(#m::asked(&#x, #stream));
        let #stream = #m::AskedKey::pass(#m::asked_key(&#x, #stream));
    }
}
/// The checks of an operator on `stream`: time.
fn time_checks(span: Span, stream: &Ident) -> TokenStream {
    let (m, x) = (module(span), Ident::new("__op", span));
    quote_spanned! {span=>
        let #stream = #m::HasTime::pass(#m::asked_time(&#x, #stream));
        let #stream = #m::SameTime::pass(#m::same_time(&#x, #stream));
        let #stream = #m::TimersHaveTime::pass(#m::timers(&#x, #stream));
        let #stream = #m::TimersFire::pass(#m::fires(&#x, #stream));
        let #stream = #m::HasWindows::pass(#m::closes(&#x, #stream));
        let #stream = #m::InWindows::pass(#m::in_windows(&#x, #stream));
    }
}
/// The checks of an operator on `stream`, which may be cut into windows.
fn window_checks(span: Span, stream: &Ident) -> TokenStream {
    let (m, x) = (module(span), Ident::new("__op", span));
    quote_spanned! {span=>
        let #stream = #m::EntersWhole::pass(#m::enters_whole(&#x, #stream));
        let #stream = #m::KeepsWindow::pass(#m::keeps_window(&#x, #stream));
        let #stream = #m::NoTimersInWindows::pass(#m::timers_in_windows(&#x, #stream));
        let #stream = #m::Dealt::pass(#m::dealt(&#x, #stream));
        let #stream = #m::Corrects::pass(#m::corrected(&#x, #stream));
    }
}

/// What a use says about failures, and its check.
fn policy(op: &Operator, span: Span) -> (TokenStream, TokenStream, TokenStream) {
    let (m, s, x) = (module(span), stream(span), Ident::new("__op", span));
    let handled = |at: Span| {
        let (m, s, x) = (module(at), stream(at), Ident::new("__op", at));
        quote_spanned!(at=> let (#x, #s) = #m::CanFail::pass(#m::handled(#x, #s));)
    };
    match &op.failure {
        None => (
            quote_spanned!(span=> let (#x, #s) = #m::NeverFails::pass(#m::failure(#x, #s));),
            quote_spanned!(span=> #m::Unfailing),
            quote!(_),
        ),
        Some(Failure::Fail(at)) => {
            let handled = handled(*at);
            (
                quote_spanned!(span=> #handled let (#x, #s) = #m::Explains::pass(#m::explained(#x, #s));),
                quote_spanned!(span=> #m::OrFail),
                quote!(_),
            )
        }
        Some(Failure::Drop(at)) => (handled(*at), quote_spanned!(span=> #m::OrDrop), quote!(_)),
        // The stream gets its name where it is bound.
        Some(Failure::Stream(at, name)) => {
            let failures = failures(name);
            let unnamed = quote_spanned!(span=> ::core::marker::PhantomData::<()>);
            (handled(*at), quote_spanned!(span=> #m::or_else(&#s, #unnamed)), quote!(#failures))
        }
    }
}

/// The variable that holds the failures that go to stream `name`, until its statement ends.
pub(super) fn failures(name: &Ident) -> Ident {
    local(&format!("__failed_{name}"), name.span())
}
/// The variable that holds the side outputs of the last stage.
pub(super) fn sides(span: Span) -> Ident {
    local("__sides", span)
}

/// An operator; `named` outputs are bound if several are.
pub(super) fn operator(op: &Operator, id: &str, named: Option<usize>, windows: bool) -> TokenStream {
    let Operator { path, args, failure, .. } = op;
    let span = op.span();
    // `__op` never leaves its stage, so it may resolve where the stage was written.
    let (g, s, m, x) = (graph(span), stream(span), module(span), Ident::new("__op", span));
    let mut checks = checks(span, &s, "record");
    checks.extend(quote_spanned!(span=> let (#x, #s) = #m::BoundsHold::pass(#m::bounds(#x, #s));));
    checks.extend(time_checks(span, &s));
    if windows {
        checks.extend(window_checks(span, &s));
    }
    let (check, policy, failed) = policy(op, span);
    let make = quote_spanned!(span=> let #x = #path::#x(#args););
    if let Some(named) = named {
        let sides = sides(span);
        let named = Ident::new(WORDS.get(named.wrapping_sub(1)).unwrap_or(&"many"), span);
        return quote_spanned! {span=>
            #make
            #checks
            #check
            let (#x, #s) = #m::NamesOutputs::pass(#m::outputs(#x, #m::stage::#named, #s));
            let (#s, #failed, #sides) = { let __policy = #policy; #m::call_with_sides(#g.clone(), #id, #x, #s, __policy) };
        };
    }
    let ends = quote_spanned!(span=> let (#x, #s) = #m::ClosedUse::pass(#m::ends(#x, #s)););
    match failure {
        None => quote_spanned! {span=>
            #make
            #checks
            #check
            #ends
            let #s = #m::then(#g.clone(), #id, #x, #s);
        },
        Some(_) => quote_spanned! {span=>
            #make
            #checks
            #check
            #ends
            let (#s, #failed) = { let __policy = #policy; #m::call(#g.clone(), #id, #x, #s, __policy) };
        },
    }
}

/// An operator with two inputs, which are in `__stream` and `__right`.
pub(super) fn two_inputs(op: &Operator, id: &str) -> TokenStream {
    let Operator { path, args, .. } = op;
    let span = op.span();
    let (g, s, r, m, x) = (graph(span), stream(span), local("__right", span), module(span), Ident::new("__op", span));
    let (left, right) = (checks(span, &s, "record"), checks(span, &r, "record_right"));
    let (left_time, right_time) = (time_checks(span, &s), time_checks(span, &r));
    let (check, policy, failed) = policy(op, span);
    quote_spanned! {span=>
        let #x = #path::#x(#args);
        let (#x, #s, #r) = #m::TakesTwo::pass(#m::takes_two((#x, #s, #r)));
        #left
        #right
        let #s = #m::TakesNoWindows::pass(#m::whole(&#x, #s));
        let #r = #m::TakesNoWindows::pass(#m::whole(&#x, #r));
        let #r = #m::KeyedAlike::pass(#m::alike(&#x, &#s, #r));
        #left_time
        let #r = #m::behind(&#s, #r);
        #right_time
        let #r = #m::TimedAlike::pass(#m::timed_alike(&#x, &#s, #r));
        #check
        let (#s, #failed) = { let __policy = #policy; #m::call_two(#g.clone(), #id, #x, (#s, #r), __policy) };
    }
}
