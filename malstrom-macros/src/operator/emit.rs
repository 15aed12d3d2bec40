//! The description that stands beside the function.
use super::LazyFn;
use super::options::Options;
use super::returns::Returns;
use super::signature::{Rest, Roles, is_arg};
use super::state;
use crate::pipeline::WORDS;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Index, spanned::Spanned};

pub(crate) fn emit(func: &LazyFn, options: &Options, roles: &Roles, returns: &Returns) -> TokenStream {
    let LazyFn { attrs, vis, sig, body } = func;
    let mut plain = sig.clone();
    plain.inputs.iter_mut().for_each(|input| {
        if let syn::FnArg::Typed(input) = input {
            input.attrs.retain(|attr| !is_arg(attr));
        }
    });
    let Returns { item, failure, shape, checked } = returns;
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

    // Where nothing is generic, constants check the state: if it cannot be state, its type is unknown from there on.
    let concrete = sig.generics.params.is_empty();
    let (state_ty, state_alias) = match &roles.state {
        Some(state) if concrete => (quote_spanned!(state.ty.span()=> __State), state::alias(state)),
        Some(state) => (state.ty.to_token_stream(), TokenStream::new()),
        None => (TokenStream::new(), TokenStream::new()),
    };
    let need = match (&roles.state, asked) {
        (Some(state), _) => {
            quote_spanned!(state.ty.span()=> __m::KeyedBy<<#state_ty as __m::KeyedState>::Key>)
        }
        (None, Some(key)) => quote!(__m::AsksKey<#key>),
        (None, None) => quote!(__m::AnyKeying),
    };
    let keep = match &roles.state {
        None => quote!(__m::Stateless),
        Some(state) if state.optional => quote!(__m::PerKeyOption<#state_ty>),
        Some(_) => quote!(__m::PerKey<#state_ty>),
    };
    let asks = asks(roles, options, &state_ty);
    let (timers, timer_alias) = timers(roles, options, concrete);
    let ends = if sides.is_empty() && options.on_right.is_none() { quote!(__m::Plain) } else { quote!(__m::Branching) };
    let state = roles.state.as_ref().map(|_| quote!(__state,));
    let mut side = 0usize;
    let rest: Vec<_> = roles.rest.iter().map(|rest| pass(rest, &mut side)).collect();
    let checks = match (&roles.state, asked) {
        (Some(_), Some(key)) if concrete => state::same_key(name, key),
        _ => TokenStream::new(),
    };
    let (mut returned, mut returned_alias) = (quote!(#name #turbofish (#state __record #(, #rest)*)), None);
    if let Some(checked) = checked {
        returned = quote!(::core::convert::identity::<__Returned>(#returned));
        returned_alias = Some(quote!(type __Returned = #checked;));
    }
    let outputs = format_ident!("{}", WORDS.get(sides.len()).unwrap_or(&"many"));
    let spanned = |word: &str, ty: &dyn ToTokens| {
        let word = format_ident!("{word}", span = ty.span());
        quote_spanned!(ty.span()=> type #word = #ty;)
    };
    let (record, item) = (spanned("In", record), spanned("Out", item));
    let markers =
        roles.rest.iter().filter_map(|r| if let Rest::ByValue(name, _) = r { Some(marker(name)) } else { None });
    let arms: TokenStream = options.arms().filter_map(|(name, path)| emit_arm(name, path)).collect();
    // Sessions keep the records of operators that keep state, whether they finish windows or not. Those with a second input
    // or with timers do not stand in windows.
    let in_windows = roles.state.is_some() && options.on_right.is_none() && options.on_timer.is_none();
    let code = in_windows.then(|| {
        quote! {
            fn code() -> ::core::option::Option<__m::Code<Self::In>> {
                #[allow(unused_imports)]
                use __m::Unwritten as _;
                __m::Probe::<Self::In>::new().code()
            }
        }
    });
    let two = options.on_right.as_ref().map(|arm| {
        quote_spanned! {arm.span()=>
            impl #impl_generics __m::TwoInput for #name #ty_generics #where_clause {
                type Arm = #arm;
                type Right = <Self::Arm as __m::Stage>::In;
                fn call_right(
                    &mut self,
                    __state: &mut <Self::Keep as __m::Keep>::State,
                    __record: Self::Right,
                    __context: &__m::Context<'_>,
                    __beside: __m::Beside<'_, Self>,
                    __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
                ) {
                    let __arm = __m::ArmEmits::pass(__m::arm_of::<Self, _, __m::stage::on_right>(<Self::Arm>::__op()));
                    let __arm = __m::ArmKeeps::pass(__m::arm_keeps::<Self, _, __m::stage::on_right>(__arm));
                    let __arm = __m::ArmEnds::pass(__m::arm_ends::<Self, _, __m::stage::on_right>(__arm));
                    let __arm = __m::ArmFails::pass(__m::arm_fails::<Self, _, __m::stage::on_right>(__arm));
                    let __arm = __m::ArmTimers::pass(__m::arm_timers::<Self, _, __m::stage::on_right>(__arm));
                    __m::arm::<Self, _>(__arm, __state, __record, __context, __beside, __out);
                }
            }
        }
    });
    // At the function's name: messages that mention the stage show that.
    let description = quote_spanned! {name.span()=>
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations, missing_copy_implementations)]
        #[allow(unreachable_pub, clippy::all, clippy::pedantic)]
        #vis struct #name #bare {
            #(#names: #types,)*
            __generics: ::core::marker::PhantomData<fn() -> (#(#params,)*)>,
        }
        #(#cfgs)*
        #[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
        impl #bare #name #ty_generics {
            #[doc(hidden)]
            #vis fn __op(#(#inputs),*) -> Self {
                Self { #(#values,)* __generics: ::core::marker::PhantomData }
            }
        }
    };
    quote! {
        // Records and extractors come by value.
        #[allow(clippy::needless_pass_by_value)]
        #(#attrs)* #vis #plain #body

        #description
        #(#cfgs)*
        #[allow(unused_qualifications, clippy::let_unit_value)]
        const _: () = {
            #[allow(unused_imports)]
            use #private as __m;
            #(#markers)*
            #state_alias
            #returned_alias
            #checks
            #timer_alias
            #[automatically_derived]
            impl #impl_generics __m::Stage for #name #ty_generics #where_clause {
                const NAME: &'static str = #text;
                #record
                #item
                type Failure = #failure;
                type Need = #need;
                type Asks = #asks;
                type Ends = #ends;
                type Outputs = __m::stage::#outputs;
            }
            #[automatically_derived]
            impl #impl_generics __m::Operator for #name #ty_generics #where_clause {
                type Keep = #keep;
                type Sides = (#(__m::SideBuffer<#sides>,)*);
                type Timers = #timers;
                #code
                #[inline(always)]
                fn call(
                    &mut self,
                    __state: &mut <Self::Keep as __m::Keep>::State,
                    __record: Self::In,
                    __context: &__m::Context<'_>,
                    __beside: __m::Beside<'_, Self>,
                    __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
                ) {
                    <#shape as __m::shape::Shape<_, _, _>>::emit(#returned, __out)
                }
                #arms
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
            quote_spanned!(ty.span()=> <__m::Configuration as __m::ByValue<#ty, #marker, _>>::value(&self.#name))
        }
        Rest::ByRef(name, _) => quote!(&self.#name),
        Rest::Timers(ty, _, event) => {
            let now = if *event { quote!(__context.ticks()) } else { quote!(__context.now().as_micros()) };
            quote_spanned!(ty.span()=> <#ty>::new(__beside.timers, #now))
        }
        Rest::Key(ty, _) | Rest::Time(ty, _) | Rest::Window(ty) | Rest::Extract(ty) => {
            quote_spanned!(ty.span()=> <#ty as __m::Parameter>::ask(__context))
        }
        Rest::Side(_) => {
            let index = Index::from(*side);
            *side += 1;
            quote!(__m::Output::new(&__beside.sides.#index))
        }
    }
}

fn timer(rest: &Rest) -> Option<&syn::Type> {
    if let Rest::Timers(_, timer, _) = rest { Some(timer) } else { None }
}

/// The buffer of the timers that an operator and the functions beside it set, and what it needs.
fn timers(roles: &Roles, options: &Options, concrete: bool) -> (TokenStream, TokenStream) {
    let (timer, at) = match (roles.rest.iter().find_map(timer), &options.on_timer) {
        (Some(timer), _) => (timer.to_token_stream(), timer.span()),
        (None, Some(arm)) => (quote_spanned!(arm.span()=> <#arm as __m::Stage>::In), arm.span()),
        (None, None) => return (quote!(()), TokenStream::new()),
    };
    if concrete {
        return (quote_spanned!(at=> __m::TimerBuffer<__Timer>), state::timer_alias(&timer, at));
    }
    (quote_spanned!(at=> __m::TimerBuffer<#timer>), TokenStream::new())
}

/// What an operator and the functions beside it ask of time and windows.
fn asks(roles: &Roles, options: &Options, state: &TokenStream) -> TokenStream {
    let (no, yes) = (quote!(__m::No), quote!(__m::Yes));
    let mut asked: [TokenStream; 7] = std::array::from_fn(|_| no.clone());
    for rest in &roles.rest {
        match rest {
            Rest::Time(_, time) => asked[0] = quote!(__m::Yes<#time>),
            Rest::Timers(_, _, event) => {
                if *event {
                    asked[1] = yes.clone();
                }
                asked[5] = yes.clone();
                if options.on_timer.is_none() {
                    asked[4] = yes.clone();
                }
            }
            Rest::Window(_) => asked[3] = yes.clone(),
            _ => {}
        }
    }
    if options.on_timer.is_some() {
        asked[5] = yes.clone();
    }
    if options.on_close.is_some() {
        asked[2] = yes;
    }
    if roles.state.is_some() {
        asked[6] = quote!(__m::Yes<#state>);
    }
    let last = asked.iter().rposition(|asked| asked.to_string() != "__m :: No").map_or(0, |at| at + 1);
    let asked = &asked[..last];
    let own = if last == 0 { quote!(__m::Asking) } else { quote!(__m::Asking<#(#asked),*>) };
    options.arms().fold(own, |asks, (_, arm)| quote_spanned!(arm.span()=> __m::Both<#asks, <#arm as __m::Stage>::Asks>))
}

/// The method through which the function `arm` runs; that of a second input is in a trait of its own.
fn emit_arm(name: &str, arm: &syn::Path) -> Option<TokenStream> {
    let role = format_ident!("{name}", span = arm.span());
    Some(match name {
        "on_timer" => quote_spanned! {arm.span()=>
            fn call_timer(
                &mut self,
                __state: &mut <Self::Keep as __m::Keep>::State,
                __timer: __m::TimerOf<Self>,
                __context: &__m::Context<'_>,
                __beside: __m::Beside<'_, Self>,
                __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
            ) {
                let __arm = __m::ArmEmits::pass(__m::arm_of::<Self, _, __m::stage::#role>(<#arm>::__op()));
                let __arm = __m::ArmKeeps::pass(__m::arm_keeps::<Self, _, __m::stage::#role>(__arm));
                let __arm = __m::ArmEnds::pass(__m::arm_ends::<Self, _, __m::stage::#role>(__arm));
                let __arm = __m::ArmFails::pass(__m::arm_fails::<Self, _, __m::stage::#role>(__arm));
                let __arm = __m::ArmTimers::pass(__m::arm_timers::<Self, _, __m::stage::#role>(__arm));
                let __timer = __m::TimerIs::pass(__m::timer_is::<Self, _>(&__arm, __timer));
                __m::arm::<Self, _>(__arm, __state, __timer, __context, __beside, __out);
            }
        },
        "on_close" => quote_spanned! {arm.span()=>
            const CLOSES: bool = true;
            fn call_close(
                &mut self,
                __state: <Self::Keep as __m::Keep>::Closed,
                __context: &__m::Context<'_>,
                _: __m::Beside<'_, Self>,
                __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
            ) {
                let __arm = __m::ArmEmits::pass(__m::arm_of::<Self, _, __m::stage::#role>(<#arm>::__op()));
                let __arm = __m::ArmByValue::pass(__m::arm_by_value::<Self, _>(__arm));
                let __arm = __m::ArmTakes::pass(__m::arm_takes::<Self, _>(__arm));
                let __arm = __m::ArmEnds::pass(__m::arm_ends::<Self, _, __m::stage::#role>(__arm));
                let __arm = __m::ArmFails::pass(__m::arm_fails::<Self, _, __m::stage::#role>(__arm));
                let __arm = __m::ArmSetsNone::pass(__m::arm_sets_none::<Self, _>(__arm));
                __m::arm_close::<Self, _>(__arm, __state, __context, __out);
            }
        },
        _ => return None,
    })
}
