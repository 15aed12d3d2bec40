#[allow(clippy::needless_pass_by_value)]
fn parse<T: FromStr>(text: String) -> io::Result<T>
where
    T: 'static,
{}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
struct parse<T> {
    __generics: ::core::marker::PhantomData<fn() -> (T,)>,
}
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<T> parse<T> {
    #[doc(hidden)]
    fn __op() -> Self {
        Self {
            __generics: ::core::marker::PhantomData,
        }
    }
}
#[allow(unused_qualifications, clippy::let_unit_value)]
const _: () = {
    #[allow(unused_imports)]
    use ::malstrom::__private as __m;
    #[automatically_derived]
    impl<T: FromStr> __m::Stage for parse<T>
    where
        T: 'static,
    {
        const NAME: &'static str = "parse";
        type In = String;
        type Out = T;
        type Failure = __m::Fails<<io::Result<T> as __m::shape::ResultType>::Err>;
        type Need = __m::AnyKeying;
        type Asks = __m::Asking;
        type Ends = __m::Plain;
        type Outputs = __m::stage::one;
    }
    #[automatically_derived]
    impl<T: FromStr> __m::Operator for parse<T>
    where
        T: 'static,
    {
        type Keep = __m::Stateless;
        type Sides = ();
        type Timers = ();
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
                __m::shape::Map,
            > as __m::shape::Shape<_, _, _>>::emit(parse::<T>(__record), __out)
        }
    }
};
