#[allow(clippy::needless_pass_by_value)]
fn visit(visit: &mut Option<Visit>, click: Click, window: Window) {}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
struct visit {
    __generics: ::core::marker::PhantomData<fn() -> ()>,
}
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl visit {
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
    type __State = <__m::Checked<
        { <Visit as __m::IsState>::PASSED },
    > as __m::If<Visit>>::Is;
    #[automatically_derived]
    impl __m::Stage for visit {
        const NAME: &'static str = "visit";
        type In = Click;
        type Out = <finish as __m::Stage>::Out;
        type Failure = __m::NoFailure;
        type Need = __m::KeyedBy<<__State as __m::KeyedState>::Key>;
        type Asks = __m::Both<
            __m::Asking<
                __m::No,
                __m::No,
                __m::Yes,
                __m::Yes,
                __m::No,
                __m::No,
                __m::Yes<__State>,
            >,
            <finish as __m::Stage>::Asks,
        >;
        type Ends = __m::Plain;
        type Outputs = __m::stage::one;
    }
    #[automatically_derived]
    impl __m::Operator for visit {
        type Keep = __m::PerKeyOption<__State>;
        type Sides = ();
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
            <__m::shape::Nothing as __m::shape::Shape<
                _,
                _,
                _,
            >>::emit(
                visit(__state, __record, <Window as __m::Parameter>::ask(__context)),
                __out,
            )
        }
        const CLOSES: bool = true;
        fn call_close(
            &mut self,
            __state: <Self::Keep as __m::Keep>::Closed,
            __context: &__m::Context<'_>,
            _: __m::Beside<'_, Self>,
            __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
        ) {
            let __arm = __m::ArmEmits::pass(
                __m::arm_of::<Self, _, __m::stage::on_close>(<finish>::__op()),
            );
            let __arm = __m::ArmByValue::pass(__m::arm_by_value::<Self, _>(__arm));
            let __arm = __m::ArmTakes::pass(__m::arm_takes::<Self, _>(__arm));
            let __arm = __m::ArmEnds::pass(
                __m::arm_ends::<Self, _, __m::stage::on_close>(__arm),
            );
            let __arm = __m::ArmFails::pass(
                __m::arm_fails::<Self, _, __m::stage::on_close>(__arm),
            );
            let __arm = __m::ArmSetsNone::pass(__m::arm_sets_none::<Self, _>(__arm));
            __m::arm_close::<Self, _>(__arm, __state, __context, __out);
        }
    }
};
