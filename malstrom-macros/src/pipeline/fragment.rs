//! `<In, Out> fn name(..) = stage -> stage;`: a typed piece of a pipeline, which is a stage itself.
use super::chain::{self, Chain};
use super::stage::{graph, stream};
use super::syntax::{Builtin, Failure, Operator, Stage, Statement};
use super::{graph as names, guarantee, statements};
use crate::errors::{Errors, error_at};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, FnArg, Pat, Result, Signature, Token, Type, Visibility, spanned::Spanned};

/// `Record [by Key] [at Time]`
struct Port {
    record: Type,
    key: Option<Type>,
    time: Option<Type>,
}
pub(super) struct Ports {
    from: Port,
    to: Port,
}
pub(super) struct Fragment {
    ports: Ports,
    attrs: Vec<Attribute>,
    vis: Visibility,
    sig: Signature,
    stages: TokenStream,
}

impl Parse for Port {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let record = input.parse()?;
        let (mut key, mut time) = (None, None);
        while input.peek(syn::Ident) {
            let word: Ident = input.parse()?;
            if word == "by" && key.is_none() {
                key = Some(port_type(&word, "the type of the key", input)?);
            } else if word == "at" && time.is_none() {
                time = Some(port_type(&word, "the type of the times", input)?);
            } else {
                return Err(Error::new(word.span(), "expected `by Key`, `at Time`, `,` or `>`"));
            }
        }
        Ok(Port { record, key, time })
    }
}
/// A type that a fragment names, and what it is called by: an unknown type if it does not pass `check`.
fn checked(ty: &Type, alias: &str, check: &str) -> (TokenStream, TokenStream) {
    let at = ty.span();
    let (alias, check) = (Ident::new(alias, at), Ident::new(check, at));
    let is =
        quote_spanned!(at=> <__malstrom::Checked<{ <#ty as __malstrom::#check>::PASSED }> as __malstrom::If<#ty>>::Is);
    (quote!(type #alias = #is;), alias.to_token_stream())
}
/// The type behind `by` or `at`.
fn port_type(word: &Ident, what: &str, input: ParseStream<'_>) -> Result<Type> {
    if input.peek(Token![,]) || input.peek(Token![>]) {
        return Err(Error::new(word.span(), format!("expected {what} behind `{word}`")));
    }
    input.parse()
}
impl Parse for Ports {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        input.parse::<Token![<]>()?;
        let from = input.parse()?;
        input.parse::<Token![,]>()?;
        let to = input.parse()?;
        input.parse::<Token![>]>()?;
        Ok(Ports { from, to })
    }
}

impl Fragment {
    pub(super) fn parse(ports: Ports, attrs: Vec<Attribute>, vis: Visibility, input: ParseStream<'_>) -> Result<Self> {
        let mut sig: Signature = input.parse()?;
        super::plain(&sig)?;
        if sig.generics.where_clause.is_none() {
            sig.generics.where_clause = input.parse()?;
        }
        if input.peek(syn::token::Brace) {
            return Err(
                input.error("a fragment is one chain with two open ends: `<In, Out> fn name(..) = stage -> stage;`")
            );
        }
        input.parse::<Token![=]>()?;
        let mut stages = TokenStream::new();
        loop {
            let last = stages.clone().into_iter().last().map_or_else(|| sig.ident.span(), |token| token.span());
            let token: TokenTree =
                input.parse().map_err(|_| Error::new(last, "expected `;` at the end of the fragment"))?;
            let end = matches!(&token, TokenTree::Punct(p) if p.as_char() == ';');
            stages.extend([token]);
            if end {
                return Ok(Fragment { ports, attrs, vis, sig, stages });
            }
        }
    }

    pub(super) fn name(&self) -> &Ident {
        &self.sig.ident
    }

    /// Its stages as a statement that reads a stream called `input`.
    fn statement(&self, errors: &mut Errors) -> Option<Statement> {
        let span = self.sig.ident.span();
        let stages = &self.stages;
        let (mut all, _) = statements::parse(quote_spanned!(span=> __input -> #stages), errors);
        let mut statement = (all.len() == 1).then(|| all.remove(0));
        if let Some(statement) = &mut statement
            && !names::combines(statement, errors)
        {
            // Without it the rest is what it was meant to be.
            statement.stages.retain(|stage| !stage.is("combine"));
        }
        for stage in statement.iter().flat_map(|s| &s.stages) {
            match stage {
                Stage::Builtin(Builtin { word, .. }) if word == "sink" || word == "split" => {
                    errors.push(Error::new(
                        word.span(),
                        format!("a fragment has one input and one output, so `{word}` has no place in it"),
                    ));
                }
                Stage::Operator(Operator { failure: Some(Failure::Stream(at, _)), .. })
                | Stage::Builtin(Builtin { failure: Some(Failure::Stream(at, _)), .. }) => {
                    let what = if stage.is("window") { "late records" } else { "failures" };
                    let message = format!("a fragment has one output, so {what} cannot go to a stream of their own");
                    errors.push(error_at(*at, message, "write `?` or `else drop`"));
                }
                _ => {}
            }
        }
        statement
    }

    pub(super) fn expand(&self, krate: &TokenStream) -> TokenStream {
        let Fragment { ports: Ports { from, to }, attrs, vis, sig, .. } = self;
        let (name, text) = (&sig.ident, sig.ident.to_string());
        let mut errors = Errors::default();
        let mut params = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Typed(t) => match &*t.pat {
                    Pat::Ident(pat) => params.push((pat.ident.clone(), &*t.ty)),
                    pat => errors.push(Error::new_spanned(pat, "a parameter of a fragment needs a plain name")),
                },
                FnArg::Receiver(this) => {
                    errors.push(Error::new_spanned(this, "a fragment is a free item, not a method"))
                }
            }
        }
        let statement = self.statement(&mut errors);
        let ids = names::ids(name, statement.as_slice(), &mut errors).pop().map(|(_, ids)| ids).unwrap_or_default();
        let whole = statement.as_ref().filter(|s| !s.stages.iter().any(|stage| stage.is("sink")));
        let code = whole.map(|s| {
            let windows = chain::cuts(std::slice::from_ref(s));
            chain::stages(&s.stages, &ids, Chain { two: false, tuple: None, windows, promises: false })
        });
        let (idents, types): (Vec<_>, Vec<_>) = params.into_iter().unzip();
        let (impl_generics, ty_generics, where_clause) = sig.generics.split_for_impl();
        let mut bare = sig.generics.clone();
        bare.where_clause = None;
        bare.type_params_mut().for_each(|p| {
            p.bounds.clear();
            p.colon_token = None;
        });
        let type_params: Vec<_> = sig.generics.type_params().map(|p| &p.ident).collect();
        let attrs = guarantee::of_fragment(name, attrs, &mut errors);
        let cfgs: Vec<_> = attrs.iter().filter(|a| a.path().is_ident("cfg")).collect();
        let (from_ty, to_ty) = (&from.record, &to.record);
        let concrete = sig.generics.params.is_empty();
        let mut aliases = TokenStream::new();
        let mut named = |alias: &str, ty: &Option<Type>, check: &str| -> Option<TokenStream> {
            let ty = ty.as_ref()?;
            let (is, alias) = checked(ty, alias, check);
            if !concrete {
                return Some(ty.to_token_stream());
            }
            aliases.extend(is);
            Some(alias)
        };
        let (from_key, to_key) = (named("__FromKey", &from.key, "KeyField"), named("__ToKey", &to.key, "KeyField"));
        let (from_time, to_time) =
            (named("__FromTime", &from.time, "PortTime"), named("__ToTime", &to.time, "PortTime"));
        let need = match &from_key {
            Some(key) => quote_spanned!(key.span()=> __malstrom::KeyedBy<#key>),
            None => quote!(__malstrom::AnyKeying),
        };
        let asks = match &from_time {
            Some(time) => quote_spanned!(time.span()=> __malstrom::FragmentAsks<__malstrom::Yes<#time>>),
            None => quote!(__malstrom::FragmentAsks),
        };
        let time_need = match &from_time {
            Some(time) => quote_spanned!(time.span()=> #time),
            None => quote!(__malstrom::AnyTiming),
        };
        let (kg, tm) = (Ident::new("Incoming", Span::mixed_site()), Ident::new("IncomingTime", Span::mixed_site()));
        let (g, s) = (graph(name.span()), stream(name.span()));
        let checked =
            quote_spanned!(to_ty.span()=> let #s = __malstrom::Returns::pass(__malstrom::returned::<Self, _>(#s)););
        // What leaves: the key that was promised, the one that came in by name, or whatever came in; so with the time.
        let (leaves_key, key_inside, key_span) = match to_key.or(from_key) {
            Some(key) => (quote!(__malstrom::KeyedBy<#key>), quote!(__malstrom::KeyedBy<#key>), key.span()),
            None => (quote!(#kg), quote!(__malstrom::Carried<#kg>), to_ty.span()),
        };
        let (leaves_time, time_inside, time_span) = match to_time.or(from_time) {
            Some(time) => (quote!(#time), quote!(#time), time.span()),
            None => (quote!(#tm), quote!(__malstrom::CarriedTime<#tm>), to_ty.span()),
        };
        let leaves = quote!(__malstrom::Formed<#leaves_key, #leaves_time>);
        let left_key = quote_spanned! {key_span=>
            let #s = __malstrom::LeavesKeyed::pass(__malstrom::left::<Self, #key_inside, _>(#s));
        };
        let left_time = quote_spanned! {time_span=>
            let #s = __malstrom::LeavesTimed::pass(__malstrom::left_timed::<Self, #time_inside, _>(#s));
        };
        let left = quote_spanned! {to_ty.span()=>
            let #s = __malstrom::LeavesWindows::pass(__malstrom::left_windows::<Self, _>(#s));
            __malstrom::leave::<Self, #leaves, _>(#g, #s)
        };
        let errors = errors.into_tokens();
        // The impl's own parameters come first: the user's may have defaults of order, ours have none.
        let wire_generics = {
            let params = &sig.generics.params;
            quote!(<#kg, #tm, #params>)
        };
        let wire_where = {
            let predicates = where_clause.map(|w| &w.predicates).into_iter();
            quote!(where #kg: __malstrom::Enters<#need>, #tm: __malstrom::EntersTimed<#time_need>, #(#predicates)*)
        };
        // At the fragment's name: messages that mention the stage show that.
        let description = quote_spanned! {name.span()=>
            #[allow(non_camel_case_types, dead_code, missing_debug_implementations, missing_copy_implementations)]
            #[allow(unreachable_pub, clippy::all, clippy::pedantic)]
            #vis struct #name #bare {
                #(#idents: #types,)*
                __generics: ::core::marker::PhantomData<fn() -> (#(#type_params,)*)>,
            }
            #(#cfgs)*
            #[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
            impl #bare #name #ty_generics {
                #[doc(hidden)]
                #vis fn __op(#(#idents: #types),*) -> Self {
                    Self { #(#idents,)* __generics: ::core::marker::PhantomData }
                }
            }
        };
        quote! {
            #errors
            #(#attrs)*
            #description
            #(#cfgs)*
            const _: () = {
                #[allow(unused_imports)]
                use #krate::__private as __malstrom;
                #aliases
                #[automatically_derived]
                impl #impl_generics __malstrom::Stage for #name #ty_generics #where_clause {
                    const NAME: &'static str = #text;
                    type In = #from_ty;
                    type Out = #to_ty;
                    type Failure = __malstrom::NoFailure;
                    type Need = #need;
                    type Asks = #asks;
                    type Ends = __malstrom::Plain;
                    type Outputs = __malstrom::stage::one;
                }
                #[automatically_derived]
                #[allow(unused_qualifications, clippy::all, clippy::pedantic)]
                impl #wire_generics __malstrom::Wire<__malstrom::Formed<#kg, #tm>> for #name #ty_generics #wire_where {
                    type Leaves = #leaves;
                    fn wire<__U>(self, #g: __malstrom::Graph, __id: &'static str, #s: __U) -> impl __malstrom::Stream<Item = #to_ty, Form = #leaves, Node = Self, Crossing = __malstrom::Apart>
                    where
                        __U: __malstrom::Stream + __malstrom::Typed<Item = #from_ty, Form = __malstrom::Formed<#kg, #tm>>,
                    {
                        #[allow(unused_variables)]
                        let Self { #(#idents,)* .. } = self;
                        let #s = __malstrom::enter::<Self, #time_need, #kg, #tm, _>(#g.clone(), __id, #s);
                        #code
                        #checked
                        #left_key
                        #left_time
                        #left
                    }
                }
            };
        }
    }
}
