#[allow(clippy::needless_pass_by_value)]
fn score(
    p: &mut Profile,
    tx: Tx,
    at: EventTime<u64>,
    timers: Timers<'_, Forget>,
) -> Option<Alert> {}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
struct score {
    __generics: ::core::marker::PhantomData<fn() -> ()>,
}
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl score {
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
    type __Kept = <__m::Checked<
        { <Profile as __m::IsState>::PASSED },
    > as __m::If<Profile>>::Is;
    type __State = <__m::Checked<
        { <__Kept as __m::Fresh>::PASSED },
    > as __m::If<__Kept>>::Is;
    type __Timer = <__m::Checked<
        { <Forget as __m::IsTimer>::PASSED },
    > as __m::If<Forget>>::Is;
    #[automatically_derived]
    impl __m::Stage for score {
        const NAME: &'static str = "score";
        type In = Tx;
        type Out = Alert;
        type Failure = __m::NoFailure;
        type Need = __m::KeyedBy<<__State as __m::KeyedState>::Key>;
        type Asks = __m::Both<
            __m::Asking<
                __m::Yes<u64>,
                __m::Yes,
                __m::No,
                __m::No,
                __m::No,
                __m::Yes,
                __m::Yes<__State>,
            >,
            <later::forget as __m::Stage>::Asks,
        >;
        type Ends = __m::Plain;
        type Outputs = __m::stage::one;
    }
    #[automatically_derived]
    impl __m::Operator for score {
        type Keep = __m::PerKey<__State>;
        type Sides = ();
        type Timers = __m::TimerBuffer<__Timer>;
        #[inline(always)]
        fn call(
            &mut self,
            __state: &mut <Self::Keep as __m::Keep>::State,
            __record: Self::In,
            __context: &__m::Context<'_>,
            __beside: __m::Beside<'_, Self>,
            __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
        ) {
            <__m::shape::FilterMap as __m::shape::Shape<
                _,
                _,
                _,
            >>::emit(
                score(
                    __state,
                    __record,
                    <EventTime<u64> as __m::Parameter>::ask(__context),
                    <Timers<'_, Forget>>::new(__beside.timers, __context.ticks()),
                ),
                __out,
            )
        }
        fn call_timer(
            &mut self,
            __state: &mut <Self::Keep as __m::Keep>::State,
            __timer: __m::TimerOf<Self>,
            __context: &__m::Context<'_>,
            __beside: __m::Beside<'_, Self>,
            __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
        ) {
            let __arm = __m::ArmEmits::pass(
                __m::arm_of::<Self, _, __m::stage::on_timer>(<later::forget>::__op()),
            );
            let __arm = __m::ArmKeeps::pass(
                __m::arm_keeps::<Self, _, __m::stage::on_timer>(__arm),
            );
            let __arm = __m::ArmEnds::pass(
                __m::arm_ends::<Self, _, __m::stage::on_timer>(__arm),
            );
            let __arm = __m::ArmFails::pass(
                __m::arm_fails::<Self, _, __m::stage::on_timer>(__arm),
            );
            let __arm = __m::ArmTimers::pass(
                __m::arm_timers::<Self, _, __m::stage::on_timer>(__arm),
            );
            let __timer = __m::TimerIs::pass(__m::timer_is::<Self, _>(&__arm, __timer));
            __m::arm::<Self, _>(__arm, __state, __timer, __context, __beside, __out);
        }
    }
};
