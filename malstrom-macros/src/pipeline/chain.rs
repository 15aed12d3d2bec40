//! A statement becomes a block that binds what it declares.
use super::graph::Graph;
use super::stage::{self, failures, graph, marker, sides, stream};
use super::syntax::{Binding, Failure, Head, Stage, Statement};
use super::{guarantee, local, module, time};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// How many stages are fused before the segment is cut. Fusing is quadratic in compile time.
const SEGMENT: usize = 32;

pub(super) struct Chains<'a> {
    graph: &'a Graph,
    windows: bool,
    promises: bool,
}

impl<'a> Chains<'a> {
    pub(super) fn new(graph: &'a Graph, statements: &[Statement], promises: bool) -> Self {
        Chains { graph, windows: cuts(statements), promises }
    }

    pub(super) fn emit(&self, statements: &[Statement]) -> TokenStream {
        let all = statements.iter().zip(&self.graph.emitted).zip(&self.graph.ids);
        all.filter(|((_, emitted), _)| **emitted).map(|((s, _), ids)| self.statement(s, ids)).collect()
    }

    fn statement(&self, s: &Statement, (head_id, ids): &(String, Vec<String>)) -> TokenStream {
        let renamed = stage::renamed(head_id, s.head.was());
        let head = self.head(&s.head, head_id);
        let tuple = if let Some(Binding::Tuple(names)) = &s.binding { Some(names.len()) } else { None };
        let two = matches!(s.head, Head::Two(..));
        let chain = Chain { two, tuple, windows: self.windows, promises: self.promises };
        let stages = stages(&s.stages, ids, chain);
        let outcome = self.outcome(s);
        match outcome {
            Some((names, values)) => quote! {
                let (#(#names,)*) = {
                    #renamed
                    #head
                    #stages
                    #values
                };
            },
            None => {
                // A chain without an end is an error already; its stages are still checked and completed.
                let end = s.stages.last().filter(|last| !last.is("sink")).map(|last| {
                    let s = stream(last.span());
                    quote!(let _ = #s;)
                });
                quote!({ #renamed #head #stages #end })
            }
        }
    }

    /// The stream `name`, as its consumer sees it.
    fn read(&self, name: &Ident) -> TokenStream {
        let shared = self.graph.uses.get(&name.to_string()).is_some_and(|uses| uses.len() > 1);
        let read = shared.then(|| quote_spanned!(name.span()=> .read()));
        quote_spanned!(name.span()=> #name #read)
    }

    fn head(&self, head: &Head, id: &str) -> TokenStream {
        match head {
            Head::Stream(name) => {
                let (s, read) = (stream(name.span()), self.read(name));
                quote_spanned!(name.span()=> let #s = #read;)
            }
            Head::Two(left, right) => {
                let (l, r) = (stream(left.span()), local("__right", right.span()));
                let (left, right) = (self.read(left), self.read(right));
                quote!(let (#l, #r) = (#left, #right);)
            }
            Head::Union { word, inputs } => {
                let span = word.span();
                let (g, s, m) = (graph(span), stream(span), module(span));
                let mut inputs = inputs.iter();
                let first = inputs.next().map(|name| {
                    let (g, read) = (graph(name.span()), self.read(name));
                    quote_spanned! {name.span()=>
                        let #s = #m::TakesNoWindows::pass(#m::whole(&#m::stage::union, #read));
                        let #s = #m::union_of(#g.clone(), #s);
                    }
                });
                let others = inputs.map(|name| {
                    let (g, m, s, read) =
                        (graph(name.span()), module(name.span()), stream(name.span()), self.read(name));
                    quote_spanned! {name.span()=>
                        let __next = #m::Unites::pass(#m::united(&#s, #read));
                        let __next = #m::UnitesKeyed::pass(#m::united_keyed(&#s, __next));
                        let __next = #m::UnitesTimed::pass(#m::united_timed(&#s, __next));
                        let __next = #m::TakesNoWindows::pass(#m::whole(&#m::stage::union, __next));
                        let #s = #m::union_with(#g.clone(), #s, __next);
                    }
                });
                quote_spanned!(span=> #first #(#others)* let #s = #m::union(#g.clone(), #id, #s);)
            }
            Head::Join(join) => time::join(join, id, [self.read(&join.left), self.read(&join.right)]),
            Head::Source { word, expr, failure, .. } => {
                let span = word.span();
                let (g, s, m, x) = (graph(span), stream(span), module(span), Ident::new("__source", expr.span()));
                let made = {
                    let m = module(expr.span());
                    let promised = self.promises.then(|| guarantee::of_source(&x, expr.span()));
                    quote_spanned! {expr.span()=>
                        let #x = #m::IntoSource::into_source(#m::given(#expr));
                        #promised
                    }
                };
                match failure {
                    None => quote_spanned! {span=>
                        #made
                        let #x = #m::RowsNeverFail::pass(#m::rows(#x));
                        let #s = #m::source(#g.clone(), #id, #x);
                    },
                    Some(Failure::Fail(at)) => {
                        let (handled, m_at) = (handled(*at, &x), module(*at));
                        quote_spanned! {span=>
                            #made
                            #handled
                            let #x = #m_at::RowsExplain::pass(#m_at::rows_explained(#x));
                            let (#s, _) = #m::source_or(#g.clone(), #id, #x, #m::OrFail);
                        }
                    }
                    Some(Failure::Drop(at)) => {
                        let handled = handled(*at, &x);
                        quote_spanned! {span=>
                            #made
                            #handled
                            let (#s, _) = #m::source_or(#g.clone(), #id, #x, #m::OrDrop);
                        }
                    }
                    Some(Failure::Stream(at, name)) => {
                        let (failed, handled) = (failures(name), handled(*at, &x));
                        let unnamed = quote_spanned!(span=> ::core::marker::PhantomData::<()>);
                        quote_spanned! {span=>
                            #made
                            #handled
                            let (#s, #failed) = { let __policy = #m::rows_or_else(#unnamed); #m::source_or(#g.clone(), #id, #x, __policy) };
                        }
                    }
                }
            }
        }
    }

    /// The names that a statement binds, and the tuple of their values.
    fn outcome(&self, s: &Statement) -> Option<(Vec<Ident>, TokenStream)> {
        let ends_in_sink = s.stages.last().is_some_and(|stage| stage.is("sink"));
        let mut names = Vec::new();
        let mut values = Vec::new();
        match &s.binding {
            _ if ends_in_sink => {}
            None => {}
            Some(Binding::Name(name)) => {
                let s = stream(name.span());
                values.push(self.bound(name, quote_spanned!(name.span()=> #s)));
                names.push(name.clone());
            }
            Some(Binding::Tuple(tuple)) => {
                let split = s.stages.last().is_some_and(|stage| stage.is("split"));
                let last = s.stages.last().map_or_else(|| s.head.span(), Stage::span);
                for (i, name) in tuple.iter().enumerate() {
                    let (main, sides) = (stream(last), sides(last));
                    let value = if split {
                        let i = syn::Index::from(i);
                        quote!(#main.#i)
                    } else if i == 0 {
                        quote!(#main)
                    } else {
                        let i = syn::Index::from(i - 1);
                        quote!(#sides.#i)
                    };
                    values.push(self.bound(name, value));
                    names.push(name.clone());
                }
            }
        }
        for name in s.failures() {
            let failed = failures(name);
            values.push(self.bound(name, quote!(#failed)));
            names.push(name.clone());
        }
        (!names.is_empty()).then(|| (names, quote!((#(#values,)*))))
    }

    /// The stream `value` under the name that binds it, shared if it has several consumers.
    fn bound(&self, name: &Ident, value: TokenStream) -> TokenStream {
        let (m, marker) = (module(name.span()), marker(name));
        let named = quote_spanned!(name.span()=> #m::named(#value, #marker));
        let uses = self.graph.uses.get(&name.to_string()).map(Vec::as_slice).unwrap_or_default();
        // The copy is the second consumer's doing: it is blamed there.
        let [_, second, ..] = uses else { return named };
        let span = second.span();
        let (g, m) = (graph(span), module(span));
        quote_spanned! {span=> {
            let __shared = #m::Shareable::pass(#m::copied(#named));
            #m::share(#g.clone(), __shared)
        }}
    }
}

/// The check that the rows of `source` can fail, as its use handles that.
fn handled(at: Span, source: &Ident) -> TokenStream {
    let m = module(at);
    quote_spanned! {at=>
        #[allow(unused_imports)]
        use #m::RowsMayFail as _;
        let #source = #m::RowsHandled::pass(#m::rows_of(&#source).can_fail(#source));
    }
}

/// Whether some stream of these statements may be cut into windows. Elsewhere nothing is checked about them.
pub(super) fn cuts(statements: &[Statement]) -> bool {
    statements.iter().flat_map(|s| &s.stages).any(|stage| stage.is("window"))
}

/// How a chain is emitted.
pub(super) struct Chain {
    /// Whether it begins with two inputs.
    pub(super) two: bool,
    /// How many names its last stage is bound to, if several.
    pub(super) tuple: Option<usize>,
    /// See [`cuts`].
    pub(super) windows: bool,
    /// Whether its pipeline promises exactly-once.
    pub(super) promises: bool,
}

/// The stages of a chain, cut into segments.
pub(super) fn stages(stages: &[Stage], ids: &[String], chain: Chain) -> TokenStream {
    let Chain { two, tuple, windows, promises } = chain;
    let mut fused = 0;
    let last = stages.len().wrapping_sub(1);
    let mut code = TokenStream::new();
    for (i, (stage, id)) in stages.iter().zip(ids).enumerate() {
        fused = if stage.is("key_by") { 0 } else { fused + 1 };
        if fused > SEGMENT {
            fused = 1;
            let (g, s, m) = (graph(stage.span()), stream(stage.span()), module(stage.span()));
            code.extend(quote_spanned!(stage.span()=> let #s = #m::cut(#g.clone(), #s);));
        }
        code.extend(stage::renamed(id, stage.was()));
        code.extend(match stage {
            Stage::Operator(op) if i == 0 && two => stage::two_inputs(op, id),
            Stage::Operator(op) if i == last && tuple.is_some() => stage::operator(op, id, tuple, windows),
            // Elsewhere it is an error already, and what follows it cannot be checked.
            Stage::Builtin(b) if b.word == "split" && !(i == last && tuple.is_some()) => TokenStream::new(),
            stage => stage::emit(stage, id, windows, promises),
        });
    }
    code
}
