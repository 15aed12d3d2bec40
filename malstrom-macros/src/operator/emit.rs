//! The description that stands beside the function.
use super::LazyFn;
use super::options::Options;
use super::returns::Returns;
use super::signature::{Rest, Roles};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Index, spanned::Spanned};

pub(crate) fn emit(func: &LazyFn, options: &Options, roles: &Roles, returns: &Returns) -> TokenStream {
    let LazyFn { attrs, vis, sig, body } = func;
    let Returns { item, failure, shape } = returns;
    let (name, text, record) = (&sig.ident, sig.ident.to_string(), &roles.record);
    let cfgs: Vec<_> = attrs.iter().filter(|a| a.path().is_ident("cfg")).collect();
    let private = options.krate.private();

    let (impl_generics, ty_generics, where_clause) = sig.generics.split_for_impl();
    let turbofish = ty_generics.as_turbofish();
    // The type carries no bounds: an unmet one is then reported once, where the stage is used.
    let mut bare = sig.generics.clone();
    bare.where_clause = None;
    bare.type_params_mut().for_each(|p| {
        p.bounds.clear();
        p.colon_token = None;
    });
    let params: Vec<_> = sig.generics.type_params().map(|p| &p.ident).collect();

    let fields: Vec<_> = roles.rest.iter().filter_map(field).collect();
    let (names, types): (Vec<_>, Vec<_>) = fields.iter().map(|(name, ty, _)| (name, ty)).unzip();
    let inputs =
        fields.iter().map(
            |(name, ty, into)| if *into { quote!(#name: impl ::core::convert::Into<#ty>) } else { quote!(#name: #ty) },
        );
    let values = fields
        .iter()
        .map(|(name, _, into)| if *into { quote!(#name: ::core::convert::Into::into(#name)) } else { quote!(#name) });
    let sides: Vec<_> =
        roles.rest.iter().filter_map(|r| if let Rest::Side(ty) = r { Some(ty) } else { None }).collect();
    let asked = roles.rest.iter().find_map(|r| if let Rest::Key(_, key) = r { Some(key) } else { None });

    let need = match (&roles.state, asked) {
        (Some(state), _) => {
            let ty = &state.ty;
            quote_spanned!(ty.span()=> __m::KeyedBy<<#ty as __m::KeyedState>::Key>)
        }
        (None, Some(key)) => quote!(__m::AsksKey<#key>),
        (None, None) => quote!(__m::AnyKeying),
    };
    let keep = match &roles.state {
        None => quote!(__m::Stateless),
        Some(state) => {
            let ty = &state.ty;
            if state.optional { quote!(__m::PerKeyOption<#ty>) } else { quote!(__m::PerKey<#ty>) }
        }
    };
    let ends = if sides.is_empty() && options.on_right.is_none() { quote!(__m::Plain) } else { quote!(__m::Branching) };
    let state = roles.state.as_ref().map(|_| quote!(__state,));
    let mut side = 0usize;
    let rest: Vec<_> = roles.rest.iter().map(|rest| pass(rest, &mut side)).collect();
    let checks = checks(roles, asked);
    let markers =
        roles.rest.iter().filter_map(|r| if let Rest::ByValue(name, _) = r { Some(marker(name)) } else { None });
    let two = options.on_right.as_ref().map(|arm| {
        quote_spanned! {arm.span()=>
            impl #impl_generics __m::TwoInput for #name #ty_generics #where_clause {
                type Right = <#arm as __m::Stage>::In;
                fn call_right(
                    &mut self,
                    __state: &mut <Self::Keep as __m::Keep>::State,
                    __record: Self::Right,
                    __context: &__m::Context<'_>,
                    __sides: &Self::Sides,
                    __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
                ) {
                    let __arm = __m::ArmEmits::pass(__m::arm_of::<Self, #arm>(#arm::__op()));
                    __m::arm::<Self, _>(__arm, __state, __record, __context, __out);
                }
            }
        }
    });
    quote! {
        #(#attrs)* #vis #sig #body

        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations, missing_copy_implementations)]
        #vis struct #name #bare {
            #(#names: #types,)*
            __generics: ::core::marker::PhantomData<fn() -> (#(#params,)*)>,
        }
        #(#cfgs)*
        #[allow(non_camel_case_types, dead_code)]
        #[automatically_derived]
        impl #bare #name #ty_generics {
            #[doc(hidden)]
            #[allow(clippy::too_many_arguments)]
            #vis fn __op(#(#inputs),*) -> Self {
                Self { #(#values,)* __generics: ::core::marker::PhantomData }
            }
        }
        #(#cfgs)*
        const _: () = {
            #[allow(unused_imports)]
            use #private as __m;
            #(#markers)*
            #checks
            #[automatically_derived]
            impl #impl_generics __m::Stage for #name #ty_generics #where_clause {
                const NAME: &'static str = #text;
                type In = #record;
                type Out = #item;
                type Failure = #failure;
                type Need = #need;
                type Ends = #ends;
            }
            #[automatically_derived]
            impl #impl_generics __m::Operator for #name #ty_generics #where_clause {
                type Keep = #keep;
                type Sides = (#(__m::SideBuffer<#sides>,)*);
                #[inline(always)]
                fn call(
                    &mut self,
                    __state: &mut <Self::Keep as __m::Keep>::State,
                    __record: Self::In,
                    __context: &__m::Context<'_>,
                    __sides: &Self::Sides,
                    __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
                ) {
                    <#shape as __m::shape::Shape<_, _, _>>::emit(#name #turbofish (#state __record #(, #rest)*), __out)
                }
            }
            #two
        };
    }
}

/// A field of the description: name, type, and whether it is given through `Into`.
fn field(rest: &Rest) -> Option<(syn::Ident, syn::Type, bool)> {
    match rest {
        Rest::ByValue(name, ty) => Some((name.clone(), ty.clone(), false)),
        Rest::ByRef(name, ty) => Some((name.clone(), ty.clone(), true)),
        _ => None,
    }
}

fn marker_name(name: &syn::Ident) -> syn::Ident {
    format_ident!("{}", name, span = name.span())
}
/// A type with the parameter's name, for the message that it cannot be copied.
fn marker(name: &syn::Ident) -> TokenStream {
    let name = marker_name(name);
    quote! {
        #[allow(non_camel_case_types, dead_code)]
        struct #name;
    }
}

/// What stands for one parameter in the call.
fn pass(rest: &Rest, side: &mut usize) -> TokenStream {
    match rest {
        Rest::ByValue(name, ty) => {
            let marker = marker_name(name);
            quote_spanned!(ty.span()=> <#ty as __m::ByValue<#marker>>::value(&self.#name))
        }
        Rest::ByRef(name, _) => quote!(&self.#name),
        Rest::Key(ty, _) | Rest::Extract(ty) => quote_spanned!(ty.span()=> <#ty as __m::Extract>::extract(__context)),
        Rest::Side(_) => {
            let index = Index::from(*side);
            *side += 1;
            quote!(__m::Output::new(&__sides.#index))
        }
    }
}

/// What the types of the signature must be beyond what the description itself asks.
fn checks(roles: &Roles, asked: Option<&syn::Type>) -> TokenStream {
    let Some(state) = &roles.state else { return TokenStream::new() };
    let ty = &state.ty;
    let fresh = (!state.optional).then(|| {
        quote_spanned! {ty.span()=>
            fn __fresh() -> #ty {
                <#ty as __m::Fresh>::fresh()
            }
        }
    });
    let key = asked.map(|key| {
        quote_spanned! {key.span()=>
            fn __key(key: &<#ty as __m::KeyedState>::Key) -> &#key {
                key
            }
        }
    });
    quote!(#[allow(dead_code)] const _: () = { #fresh #key };)
}
