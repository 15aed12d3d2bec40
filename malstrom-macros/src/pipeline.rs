//! `pipeline!`: statements are parsed one by one, the graph is checked, and each stage becomes a few calls.
mod chain;
mod fragment;
mod graph;
mod guarantee;
mod picture;
mod stage;
mod statements;
mod syntax;
mod time;

use crate::errors::Errors;
use chain::Chains;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
pub(crate) use stage::WORDS;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Result, Signature, Token, Visibility};

/// Everything in one `pipeline!`: the path of the facade, then definitions.
struct Block {
    krate: TokenStream,
    definitions: Vec<Definition>,
}
enum Definition {
    Closed(Closed),
    Fragment(fragment::Fragment),
}
/// `fn name(..) { .. }`
struct Closed {
    attrs: Vec<Attribute>,
    vis: Visibility,
    sig: Signature,
    body: TokenStream,
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let krate;
        syn::bracketed!(krate in input);
        let krate = krate.parse()?;
        let mut definitions = Vec::new();
        while !input.is_empty() {
            definitions.push(input.parse()?);
        }
        if definitions.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "expected a pipeline: `fn name(..) { source(..) -> .. -> sink(..); }`",
            ));
        }
        Ok(Block { krate, definitions })
    }
}
impl Parse for Definition {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        // A fragment's attributes and visibility may stand before its types or after them.
        let mut attrs = input.call(Attribute::parse_outer)?;
        let mut vis: Visibility = input.parse()?;
        if input.peek(Token![<]) {
            let ports = input.parse()?;
            attrs.extend(input.call(Attribute::parse_outer)?);
            if matches!(vis, Visibility::Inherited) {
                vis = input.parse()?;
            }
            return fragment::Fragment::parse(ports, attrs, vis, input).map(Definition::Fragment);
        }
        let sig: Signature = input.parse()?;
        plain(&sig)?;
        let body;
        syn::braced!(body in input);
        Ok(Definition::Closed(Closed { attrs, vis, sig, body: body.parse()? }))
    }
}

/// Refuses what no pipeline's signature may say.
fn plain(sig: &Signature) -> Result<()> {
    let mut errors = Errors::default();
    if let syn::ReturnType::Type(..) = &sig.output {
        errors.push(syn::Error::new_spanned(&sig.output, "a pipeline returns no value: its results go to its sinks"));
    }
    let mut refuse = |token: &dyn ToTokens, word: &str| {
        errors.push(syn::Error::new_spanned(
            token.to_token_stream(),
            format!("a pipeline is a plain function: leave out `{word}`"),
        ));
    };
    sig.asyncness.iter().for_each(|token| refuse(token, "async"));
    sig.constness.iter().for_each(|token| refuse(token, "const"));
    sig.abi.iter().for_each(|token| refuse(token, "extern"));
    if let syn::Safety::Unsafe(token) = &sig.safety {
        refuse(token, "unsafe");
    }
    sig.generics.lifetimes().take(1).for_each(|lifetime| {
        errors.push(crate::errors::error(
            lifetime,
            "a pipeline outlives the call that makes it, so it cannot borrow",
            "take parameters by value",
        ));
    });
    errors.finish()
}

/// The definitions of a block, each with its name.
pub(crate) fn expand(input: TokenStream) -> Result<Vec<(String, TokenStream)>> {
    let Block { krate, definitions } = syn::parse2(input)?;
    let expand = |definition: &Definition| match definition {
        Definition::Closed(closed) => (closed.sig.ident.to_string(), closed.expand(&krate)),
        Definition::Fragment(fragment) => (fragment.name().to_string(), fragment.expand(&krate)),
    };
    Ok(definitions.iter().map(expand).collect())
}

/// A local of ours: shown at `span`, but resolved where this macro is, so that it is the same variable even if a
/// `macro_rules!` wrote half of the stages.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}
/// The module of everything that expansions call. An item, so not hygienic: stages from any macro resolve it.
fn module(span: Span) -> Ident {
    Ident::new("__malstrom", span)
}

impl Closed {
    fn expand(&self, krate: &TokenStream) -> TokenStream {
        let Closed { attrs, vis, sig, body } = self;
        let mut errors = Errors::default();
        let (attrs, promise) = guarantee::of_pipeline(&sig.ident, attrs, &mut errors);
        let (statements, broken) = statements::parse(body.clone(), &mut errors);
        let graph = graph::check(&sig.ident, &statements, &broken, &mut errors);
        let code = Chains::new(&graph, &statements, promise.is_some()).emit(&statements);
        let errors = errors.into_tokens();
        let (name, text, inputs) = (&sig.ident, sig.ident.to_string(), &sig.inputs);
        let (generics, where_clause) = (&sig.generics, &sig.generics.where_clause);
        let doc = picture::mermaid(&graph, &statements);
        let graph_var = local("__graph", name.span());
        let promising = promise.as_ref().map(|_| quote!(.promising_exactly_once()));
        let promise = promise.as_ref().map(guarantee::Promise::declare);
        // Only in the IDE: half-typed stages still appear as paths, so they complete.
        let partial = (!broken.paths.is_empty()).then(|| {
            let paths = &broken.paths;
            quote!(#[cfg(rust_analyzer)] { #(let _ = #paths;)* })
        });
        quote! {
            #(#attrs)*
            #[doc = ""]
            #[doc = #doc]
            #[allow(unexpected_cfgs, unused_qualifications)]
            #[allow(clippy::too_many_lines, clippy::let_unit_value, clippy::redundant_closure, clippy::needless_pass_by_value)]
            #vis fn #name #generics(#inputs) -> #krate::Pipeline #where_clause {
                #errors
                #partial
                #[allow(unused_imports)]
                use #krate::__private as __malstrom;
                let #graph_var = __malstrom::Graph::new(#text) #promising;
                #promise
                #code
                #graph_var.finish()
            }
        }
    }
}

/// Streams whose statement did not parse, and the paths seen in them (for completion).
#[derive(Default)]
struct Broken {
    names: std::collections::HashSet<String>,
    /// All words in it: a stream that is among them is not unused.
    words: std::collections::HashSet<String>,
    paths: Vec<TokenStream>,
}
impl Broken {
    fn mention(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => drop(self.words.insert(word.to_string())),
                TokenTree::Group(group) => self.mention(group.stream()),
                _ => {}
            }
        }
    }
    /// Takes in the tokens of a statement that did not parse.
    fn add(&mut self, tokens: &[TokenTree]) {
        self.mention(tokens.iter().cloned().collect());
        let mut words = tokens.iter().map(ToString::to_string);
        if words.next().as_deref() == Some("let") {
            match tokens.get(1) {
                Some(TokenTree::Ident(word)) if word == "mut" => {
                    self.names.extend(tokens.get(2).map(ToString::to_string));
                }
                Some(TokenTree::Ident(name)) => drop(self.names.insert(name.to_string())),
                Some(TokenTree::Group(names)) => {
                    self.names.extend(names.stream().into_iter().filter_map(|t| match t {
                        TokenTree::Ident(name) => Some(name.to_string()),
                        _ => None,
                    }))
                }
                _ => {}
            }
        }
        for three in tokens.windows(2) {
            match three {
                [TokenTree::Punct(p), TokenTree::Ident(stage)] if p.as_char() == '>' => {
                    // Not `let` and the like.
                    self.paths
                        .extend(syn::parse2::<Ident>(stage.to_token_stream()).ok().map(ToTokens::into_token_stream));
                }
                [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "else" => {
                    self.names.insert(name.to_string());
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::expand;
    use crate::expand_test::check;
    use quote::quote;

    fn pipeline(name: &str, body: proc_macro2::TokenStream) {
        let all = expand(quote!([::malstrom] #body));
        check(name, all.map(|all| all.into_iter().map(|(_, tokens)| tokens).collect()));
    }

    #[test]
    fn a_chain_becomes_a_call_per_stage() {
        pipeline(
            "pipeline_chain",
            quote! {
                /// Counts words.
                pub fn word_count(input: PathBuf) {
                    source(files::lines(input)) -> words -> key_by(|w| w.clone()) -> count() -> sink(stdout());
                }
            },
        );
    }

    #[test]
    fn failures_splits_and_unions_are_streams() {
        pipeline(
            "pipeline_streams",
            quote! {
                fn p(path: PathBuf) {
                    let (big, small) = source(files::csv::<Tx>(&path))? -> check(3) else bad as checker -> split(|tx| tx.cents > 100);
                    let all = union(big, small);
                    all -> sink(a());
                    all -> sink(b());
                    bad -> sink(c());
                }
            },
        );
    }

    #[test]
    fn what_is_kept_is_probed_where_its_type_is_known() {
        pipeline(
            "pipeline_kept",
            quote! {
                fn p() {
                    let (a, b) = source(x) -> split(f);
                    let sums = a -> sum(|x| x.cents);
                    let lists = b -> fold(Vec::new(), push);
                    let both = join(sums, lists, within = 1.hours());
                    both -> sink(y());
                }
            },
        );
    }

    #[test]
    fn a_promise_is_asked_of_each_source_and_sink() {
        pipeline(
            "pipeline_promise",
            quote! {
                #[guarantee(exactly_once)]
                fn p() {
                    source(x) -> sink(y);
                }
            },
        );
    }

    #[test]
    fn what_was_renamed_says_so_before_it_comes() {
        pipeline(
            "pipeline_was",
            quote! {
                fn p() {
                    let a = source(x) as a_source was the_source;
                    let b = source(y);
                    join(a, b, within = 1.hours()) as both was join
                        -> tally as counted was tally -> clean() as cleaned was clean
                        -> window(tumbling(1.hours()))? as hours was window -> count() as many was count
                        -> sink(z) as out was sink;
                }
            },
        );
    }

    #[test]
    fn a_fragment_is_a_stage() {
        pipeline(
            "pipeline_fragment",
            quote! { <String, Tx by u64> pub fn clean<T: Copy>(limit: T) = trim -> parse(limit)? -> key_by(|tx| tx.card); },
        );
    }

    #[test]
    fn time_and_windows_are_checked_where_they_are_asked_for() {
        pipeline(
            "pipeline_windows",
            quote! {
                fn p(clicks: Vec<Click>) {
                    source(clicks)
                        -> timestamps(|click| click.at, lag = 5.seconds(), idle = 30.seconds())
                        -> key_by(|click| click.user)
                        -> window(tumbling(1.hours()), lateness = 1.minutes()) else late as hourly
                        -> visit
                        -> sink(a());
                    late -> sink(b());
                }
            },
        );
        pipeline(
            "pipeline_fragment_timed",
            quote! { <Click by u64 at Timestamp, u64> fn hourly() = window(tumbling(1.hours()))? -> count(); },
        );
    }

    #[test]
    fn every_broken_statement_is_reported_and_the_others_stay() {
        pipeline(
            "pipeline_broken",
            quote! {
                fn p() {
                    let a = source(x) -> -> f;
                    a -> sink(y);
                    source(z) -> g;
                    b -> sink(y);
                }
            },
        );
    }
}
