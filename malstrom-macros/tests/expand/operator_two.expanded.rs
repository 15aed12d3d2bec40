#[allow(clippy::needless_pass_by_value)]
fn listing(s: &mut Option<Seen>, auction: Auction) {}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
struct listing {
    __generics: ::core::marker::PhantomData<fn() -> ()>,
}
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl listing {
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
        { <Seen as __m::IsState>::PASSED },
    > as __m::If<Seen>>::Is;
    #[automatically_derived]
    impl __m::Stage for listing {
        const NAME: &'static str = "listing";
        type In = Auction;
        type Out = <person as __m::Stage>::Out;
        type Failure = __m::NoFailure;
        type Need = __m::KeyedBy<<__State as __m::KeyedState>::Key>;
        type Asks = __m::Both<
            __m::Asking<
                __m::No,
                __m::No,
                __m::No,
                __m::No,
                __m::No,
                __m::No,
                __m::Yes<__State>,
            >,
            <person as __m::Stage>::Asks,
        >;
        type Ends = __m::Branching;
        type Outputs = __m::stage::one;
    }
    #[automatically_derived]
    impl __m::Operator for listing {
        type Keep = __m::PerKeyOption<__State>;
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
            <__m::shape::Nothing as __m::shape::Shape<
                _,
                _,
                _,
            >>::emit(listing(__state, __record), __out)
        }
    }
    impl __m::TwoInput for listing {
        type Arm = person;
        type Right = <Self::Arm as __m::Stage>::In;
        fn call_right(
            &mut self,
            __state: &mut <Self::Keep as __m::Keep>::State,
            __record: Self::Right,
            __context: &__m::Context<'_>,
            __beside: __m::Beside<'_, Self>,
            __out: &mut impl __m::Emit<Self::Out, __m::ErrorOf<Self>>,
        ) {
            let __arm = __m::ArmEmits::pass(
                __m::arm_of::<Self, _, __m::stage::on_right>(<Self::Arm>::__op()),
            );
            let __arm = __m::ArmKeeps::pass(
                __m::arm_keeps::<Self, _, __m::stage::on_right>(__arm),
            );
            let __arm = __m::ArmEnds::pass(
                __m::arm_ends::<Self, _, __m::stage::on_right>(__arm),
            );
            let __arm = __m::ArmFails::pass(
                __m::arm_fails::<Self, _, __m::stage::on_right>(__arm),
            );
            let __arm = __m::ArmTimers::pass(
                __m::arm_timers::<Self, _, __m::stage::on_right>(__arm),
            );
            __m::arm::<Self, _>(__arm, __state, __record, __context, __beside, __out);
        }
    }
};
