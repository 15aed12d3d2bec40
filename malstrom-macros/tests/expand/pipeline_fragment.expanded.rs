#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
pub struct clean<T> {
    limit: T,
    __generics: ::core::marker::PhantomData<fn() -> (T,)>,
}
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<T> clean<T> {
    #[doc(hidden)]
    pub fn __op(limit: T) -> Self {
        Self {
            limit,
            __generics: ::core::marker::PhantomData,
        }
    }
}
const _: () = {
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    #[automatically_derived]
    impl<T: Copy> __malstrom::Stage for clean<T> {
        const NAME: &'static str = "clean";
        type In = String;
        type Out = Tx;
        type Failure = __malstrom::NoFailure;
        type Need = __malstrom::AnyKeying;
        type Asks = __malstrom::FragmentAsks;
        type Ends = __malstrom::Plain;
        type Outputs = __malstrom::stage::one;
    }
    #[automatically_derived]
    #[allow(unused_qualifications, clippy::all, clippy::pedantic)]
    impl<
        Incoming,
        IncomingTime,
        T: Copy,
    > __malstrom::Wire<__malstrom::Formed<Incoming, IncomingTime>> for clean<T>
    where
        Incoming: __malstrom::Enters<__malstrom::AnyKeying>,
        IncomingTime: __malstrom::EntersTimed<__malstrom::AnyTiming>,
    {
        type Leaves = __malstrom::Formed<__malstrom::KeyedBy<u64>, IncomingTime>;
        fn wire<__U>(
            self,
            __graph: __malstrom::Graph,
            __id: &'static str,
            __stream: __U,
        ) -> impl __malstrom::Stream<
            Item = Tx,
            Form = __malstrom::Formed<__malstrom::KeyedBy<u64>, IncomingTime>,
            Node = Self,
            Crossing = __malstrom::Apart,
        >
        where
            __U: __malstrom::Stream
                + __malstrom::Typed<
                    Item = String,
                    Form = __malstrom::Formed<Incoming, IncomingTime>,
                >,
        {
            #[allow(unused_variables)]
            let Self { limit, .. } = self;
            let __stream = __malstrom::enter::<
                Self,
                __malstrom::AnyTiming,
                Incoming,
                IncomingTime,
                _,
            >(__graph.clone(), __id, __stream);
            let __op = trim::__op();
            let __stream = __malstrom::FlowsInto::pass(
                __malstrom::record(&__op, __stream),
            );
            let __stream = __malstrom::WorksUnkeyed::pass(
                __malstrom::keyed(&__op, __stream),
            );
            let __stream = __malstrom::SameKey::pass(
                __malstrom::same_key(&__op, __stream),
            );
            let __stream = __malstrom::HasKey::pass(__malstrom::asked(&__op, __stream));
            let __stream = __malstrom::AskedKey::pass(
                __malstrom::asked_key(&__op, __stream),
            );
            let (__op, __stream) = __malstrom::BoundsHold::pass(
                __malstrom::bounds(__op, __stream),
            );
            let __stream = __malstrom::HasTime::pass(
                __malstrom::asked_time(&__op, __stream),
            );
            let __stream = __malstrom::SameTime::pass(
                __malstrom::same_time(&__op, __stream),
            );
            let __stream = __malstrom::TimersHaveTime::pass(
                __malstrom::timers(&__op, __stream),
            );
            let __stream = __malstrom::TimersFire::pass(
                __malstrom::fires(&__op, __stream),
            );
            let __stream = __malstrom::HasWindows::pass(
                __malstrom::closes(&__op, __stream),
            );
            let __stream = __malstrom::InWindows::pass(
                __malstrom::in_windows(&__op, __stream),
            );
            let (__op, __stream) = __malstrom::NeverFails::pass(
                __malstrom::failure(__op, __stream),
            );
            let (__op, __stream) = __malstrom::ClosedUse::pass(
                __malstrom::ends(__op, __stream),
            );
            let __stream = __malstrom::then(__graph.clone(), "trim", __op, __stream);
            let __op = parse::__op(limit);
            let __stream = __malstrom::FlowsInto::pass(
                __malstrom::record(&__op, __stream),
            );
            let __stream = __malstrom::WorksUnkeyed::pass(
                __malstrom::keyed(&__op, __stream),
            );
            let __stream = __malstrom::SameKey::pass(
                __malstrom::same_key(&__op, __stream),
            );
            let __stream = __malstrom::HasKey::pass(__malstrom::asked(&__op, __stream));
            let __stream = __malstrom::AskedKey::pass(
                __malstrom::asked_key(&__op, __stream),
            );
            let (__op, __stream) = __malstrom::BoundsHold::pass(
                __malstrom::bounds(__op, __stream),
            );
            let __stream = __malstrom::HasTime::pass(
                __malstrom::asked_time(&__op, __stream),
            );
            let __stream = __malstrom::SameTime::pass(
                __malstrom::same_time(&__op, __stream),
            );
            let __stream = __malstrom::TimersHaveTime::pass(
                __malstrom::timers(&__op, __stream),
            );
            let __stream = __malstrom::TimersFire::pass(
                __malstrom::fires(&__op, __stream),
            );
            let __stream = __malstrom::HasWindows::pass(
                __malstrom::closes(&__op, __stream),
            );
            let __stream = __malstrom::InWindows::pass(
                __malstrom::in_windows(&__op, __stream),
            );
            let (__op, __stream) = __malstrom::CanFail::pass(
                __malstrom::handled(__op, __stream),
            );
            let (__op, __stream) = __malstrom::Explains::pass(
                __malstrom::explained(__op, __stream),
            );
            let (__op, __stream) = __malstrom::ClosedUse::pass(
                __malstrom::ends(__op, __stream),
            );
            let (__stream, _) = {
                let __policy = __malstrom::OrFail;
                __malstrom::call(__graph.clone(), "parse", __op, __stream, __policy)
            };
            let __stream = __malstrom::by(__stream, |tx| tx.card);
            let __stream = __malstrom::IsKey::pass(
                __malstrom::is_key(&__malstrom::value_of(&__stream), __stream),
            );
            let __stream = __malstrom::Travels::pass(__malstrom::travels(__stream));
            let __stream = __malstrom::key_by(__graph.clone(), "key_by", __stream);
            let __stream = __malstrom::Returns::pass(
                __malstrom::returned::<Self, _>(__stream),
            );
            let __stream = __malstrom::LeavesKeyed::pass(
                __malstrom::left::<Self, __malstrom::KeyedBy<u64>, _>(__stream),
            );
            let __stream = __malstrom::LeavesTimed::pass(
                __malstrom::left_timed::<
                    Self,
                    __malstrom::CarriedTime<IncomingTime>,
                    _,
                >(__stream),
            );
            let __stream = __malstrom::LeavesWindows::pass(
                __malstrom::left_windows::<Self, _>(__stream),
            );
            __malstrom::leave::<
                Self,
                __malstrom::Formed<__malstrom::KeyedBy<u64>, IncomingTime>,
                _,
            >(__graph, __stream)
        }
    }
};
