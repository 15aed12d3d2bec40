//! What the state of an operator must be.
use super::signature::State;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Type, spanned::Spanned};

/// The state's type as `__State`, or a type that is unknown if it cannot be state.
pub(super) fn alias(state: &State) -> TokenStream {
    let ty = &state.ty;
    let kept = quote_spanned!(ty.span()=> <__m::Checked<{ <#ty as __m::IsState>::PASSED }> as __m::If<#ty>>::Is);
    if state.optional {
        return quote!(type __State = #kept;);
    }
    let kept = quote!(type __Kept = #kept;);
    let state = quote_spanned!(ty.span()=> <__m::Checked<{ <__Kept as __m::Fresh>::PASSED }> as __m::If<__Kept>>::Is);
    quote!(#kept type __State = #state;)
}

/// Checks that `key`, which the operator asks for, is what its state is kept per.
pub(super) fn same_key(op: &Ident, key: &Type) -> TokenStream {
    quote_spanned! {key.span()=>
        const _: fn() = <<__State as __m::KeyedState>::Key as __m::StateKeyIs<#key, #op>>::same;
    }
}

/// What timers hold as `__Timer`, or a type that is unknown if they cannot hold it.
pub(super) fn timer_alias(timer: &TokenStream, at: Span) -> TokenStream {
    let held = quote_spanned!(at=> <__m::Checked<{ <#timer as __m::IsTimer>::PASSED }> as __m::If<#timer>>::Is);
    quote!(type __Timer = #held;)
}
