#[allow(clippy::needless_pass_by_value)]
/// Cuts white space.
pub fn trim(line: String) -> String {
    line.trim().to_owned()
}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
pub struct trim {
    __generics: ::core::marker::PhantomData<fn() -> ()>,
}
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl trim {
    #[doc(hidden)]
    pub fn __op() -> Self {
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
    impl __m::Stage for trim {
        const NAME: &'static str = "trim";
        type In = String;
        type Out = String;
        type Failure = __m::NoFailure;
        type Need = __m::AnyKeying;
        type Asks = __m::Asking;
        type Ends = __m::Plain;
        type Outputs = __m::stage::one;
    }
    #[automatically_derived]
    impl __m::Operator for trim {
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
            <__m::shape::Map as __m::shape::Shape<_, _, _>>::emit(trim(__record), __out)
        }
    }
};
