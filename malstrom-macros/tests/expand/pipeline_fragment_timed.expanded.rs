#[allow(
    non_camel_case_types,
    dead_code,
    missing_debug_implementations,
    missing_copy_implementations
)]
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
struct hourly {
    __generics: ::core::marker::PhantomData<fn() -> ()>,
}
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl hourly {
    #[doc(hidden)]
    fn __op() -> Self {
        Self {
            __generics: ::core::marker::PhantomData,
        }
    }
}
const _: () = {
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    type __FromKey = <__malstrom::Checked<
        { <u64 as __malstrom::KeyField>::PASSED },
    > as __malstrom::If<u64>>::Is;
    type __FromTime = <__malstrom::Checked<
        { <Timestamp as __malstrom::PortTime>::PASSED },
    > as __malstrom::If<Timestamp>>::Is;
    #[automatically_derived]
    impl __malstrom::Stage for hourly {
        const NAME: &'static str = "hourly";
        type In = Click;
        type Out = u64;
        type Failure = __malstrom::NoFailure;
        type Need = __malstrom::KeyedBy<__FromKey>;
        type Asks = __malstrom::FragmentAsks<__malstrom::Yes<__FromTime>>;
        type Ends = __malstrom::Plain;
        type Outputs = __malstrom::stage::one;
    }
    #[automatically_derived]
    #[allow(unused_qualifications, clippy::all, clippy::pedantic)]
    impl<
        Incoming,
        IncomingTime,
    > __malstrom::Wire<__malstrom::Formed<Incoming, IncomingTime>> for hourly
    where
        Incoming: __malstrom::Enters<__malstrom::KeyedBy<__FromKey>>,
        IncomingTime: __malstrom::EntersTimed<__FromTime>,
    {
        type Leaves = __malstrom::Formed<__malstrom::KeyedBy<__FromKey>, __FromTime>;
        fn wire<__U>(
            self,
            __graph: __malstrom::Graph,
            __id: &'static str,
            __stream: __U,
        ) -> impl __malstrom::Stream<
            Item = u64,
            Form = __malstrom::Formed<__malstrom::KeyedBy<__FromKey>, __FromTime>,
            Node = Self,
            Crossing = __malstrom::Apart,
        >
        where
            __U: __malstrom::Stream
                + __malstrom::Typed<
                    Item = Click,
                    Form = __malstrom::Formed<Incoming, IncomingTime>,
                >,
        {
            #[allow(unused_variables)]
            let Self { .. } = self;
            let __stream = __malstrom::enter::<
                Self,
                __FromTime,
                Incoming,
                IncomingTime,
                _,
            >(__graph.clone(), __id, __stream);
            let __windows = __malstrom::IsWindow::pass(
                __malstrom::is_window(tumbling(1.hours())),
            );
            let __stream = __malstrom::Grouped::pass(
                __malstrom::grouped(&__malstrom::stage::window, __stream),
            );
            let __stream = __malstrom::TakesNoWindows::pass(
                __malstrom::whole(&__malstrom::stage::window, __stream),
            );
            let __stream = __malstrom::TimedFor::pass(
                __malstrom::window_time(&__windows, &__malstrom::stage::window, __stream),
            );
            let (__windows, __stream) = __malstrom::IsLength::pass(
                __malstrom::window_length(__windows, __stream),
            );
            let (__stream, _) = {
                let __late = __malstrom::LateFails;
                __malstrom::window(
                    __graph.clone(),
                    "window",
                    __stream,
                    __windows,
                    __late,
                )
            };
            let __stream = __malstrom::Grouped::pass(
                __malstrom::grouped(&__malstrom::stage::count, __stream),
            );
            let __stream = __malstrom::count(__graph.clone(), "count", __stream);
            let __stream = __malstrom::Returns::pass(
                __malstrom::returned::<Self, _>(__stream),
            );
            let __stream = __malstrom::LeavesKeyed::pass(
                __malstrom::left::<Self, __malstrom::KeyedBy<__FromKey>, _>(__stream),
            );
            let __stream = __malstrom::LeavesTimed::pass(
                __malstrom::left_timed::<Self, __FromTime, _>(__stream),
            );
            let __stream = __malstrom::LeavesWindows::pass(
                __malstrom::left_windows::<Self, _>(__stream),
            );
            __malstrom::leave::<
                Self,
                __malstrom::Formed<__malstrom::KeyedBy<__FromKey>, __FromTime>,
                _,
            >(__graph, __stream)
        }
    }
};
