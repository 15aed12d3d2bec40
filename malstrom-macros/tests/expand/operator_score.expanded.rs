#[allow(clippy::needless_pass_by_value)]
fn score(
    p: &mut Profile,
    tx: Tx,
    key: Key<'_, u64>,
    odd: Output<'_, Tx>,
    sigma: f64,
    rules: &Rules,
) -> Result<Option<Alert>, Bad> {
    todo!()
}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
struct score {
    sigma: f64,
    rules: Rules,
    __generics: ::core::marker::PhantomData<fn() -> ()>,
}
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl score {
    #[doc(hidden)]
    fn __op(sigma: f64, rules: impl ::core::convert::Into<Rules>) -> Self {
        Self {
            sigma,
            rules: ::core::convert::Into::into(rules),
            __generics: ::core::marker::PhantomData,
        }
    }
}
#[allow(unused_qualifications, clippy::let_unit_value)]
const _: () = {
    #[allow(unused_imports)]
    use ::malstrom::__private as __m;
    #[allow(non_camel_case_types, dead_code)]
    struct sigma;
    type __Kept = <__m::Checked<
        { <Profile as __m::IsState>::PASSED },
    > as __m::If<Profile>>::Is;
    type __State = <__m::Checked<
        { <__Kept as __m::Fresh>::PASSED },
    > as __m::If<__Kept>>::Is;
    const _: fn() = <<__State as __m::KeyedState>::Key as __m::StateKeyIs<
        u64,
        score,
    >>::same;
    #[automatically_derived]
    impl __m::Stage for score {
        const NAME: &'static str = "score";
        type In = Tx;
        type Out = Alert;
        type Failure = __m::Fails<Bad>;
        type Need = __m::KeyedBy<<__State as __m::KeyedState>::Key>;
        type Asks = __m::Asking<
            __m::No,
            __m::No,
            __m::No,
            __m::No,
            __m::No,
            __m::No,
            __m::Yes<__State>,
        >;
        type Ends = __m::Branching;
        type Outputs = __m::stage::two;
    }
    #[automatically_derived]
    impl __m::Operator for score {
        type Keep = __m::PerKey<__State>;
        type Sides = (__m::SideBuffer<Tx>,);
        type Timers = ();
        fn code() -> ::core::option::Option<__m::Code<Self::In>> {
            #[allow(unused_imports)]
            use __m::Unwritten as _;
            __m::Probe::<Self::In>::new().code()
        }
        #[inline(always)]
        fn call(
            &mut self,
            __state: &mut <Self::Keep as __m::Keep>::State,
            __record: Self::In,
            __context: &__m::Context<'_>,
            __beside: __m::Beside<'_, Self>,
            __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
        ) {
            <__m::shape::Try<
                __m::shape::FilterMap,
            > as __m::shape::Shape<
                _,
                _,
                _,
            >>::emit(
                score(
                    __state,
                    __record,
                    <Key<'_, u64> as __m::Parameter>::ask(__context),
                    __m::Output::new(&__beside.sides.0),
                    <__m::Configuration as __m::ByValue<
                        f64,
                        sigma,
                        _,
                    >>::value(&self.sigma),
                    &self.rules,
                ),
                __out,
            )
        }
    }
};
