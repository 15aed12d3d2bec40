///
/**```mermaid
flowchart LR
    a_source(["a_source"])
    source(["source"])
    both["both"]
    a_source --> both
    source --> both
    counted["counted"]
    both --> counted
    cleaned["cleaned"]
    counted --> cleaned
    hours["hours"]
    cleaned --> hours
    many["many"]
    hours --> many
    out[/"out"/]
    many --> out
```*/
#[allow(unexpected_cfgs, unused_qualifications)]
#[allow(
    clippy::too_many_lines,
    clippy::let_unit_value,
    clippy::redundant_closure,
    clippy::needless_pass_by_value
)]
fn p() -> ::malstrom::Pipeline {
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    let __graph = __malstrom::Graph::new("p");
    let (a,) = {
        __graph.was("a_source", "the_source");
        let __source = __malstrom::IntoSource::into_source(__malstrom::given(x));
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "a_source", __source);
        (
            __malstrom::named(
                __stream,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct a;
                    ::core::marker::PhantomData::<a>
                },
            ),
        )
    };
    let (b,) = {
        let __source = __malstrom::IntoSource::into_source(__malstrom::given(y));
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "source", __source);
        (
            __malstrom::named(
                __stream,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct b;
                    ::core::marker::PhantomData::<b>
                },
            ),
        )
    };
    {
        __graph.was("both", "join");
        let (__left, __right) = (a, b);
        let __left = __malstrom::Grouped::pass(
            __malstrom::grouped(&__malstrom::stage::join, __left),
        );
        let __left = __malstrom::TimedFor::pass(
            __malstrom::needs_time(&__malstrom::stage::join, __left),
        );
        let __left = __malstrom::TakesNoWindows::pass(
            __malstrom::whole(&__malstrom::stage::join, __left),
        );
        let __right = __malstrom::Grouped::pass(
            __malstrom::grouped(&__malstrom::stage::join, __right),
        );
        let __right = __malstrom::TimedFor::pass(
            __malstrom::needs_time(&__malstrom::stage::join, __right),
        );
        let __right = __malstrom::TakesNoWindows::pass(
            __malstrom::whole(&__malstrom::stage::join, __right),
        );
        let __right = __malstrom::JoinsKeys::pass(
            __malstrom::joined_keys(&__left, __right),
        );
        let __right = __malstrom::JoinsTimes::pass(
            __malstrom::joined_times(&__left, __right),
        );
        let __left = __malstrom::Pairs::pass(__malstrom::paired(__left));
        let __right = __malstrom::Pairs::pass(__malstrom::paired(__right));
        let __on = __malstrom::IsLength::pass(__malstrom::length_at(&__left, 1.hours()));
        let __codes = {
            #[allow(unused_imports)]
            use __malstrom::Unwritten as _;
            (
                __malstrom::Probe::of(&__malstrom::item_of(&__left)).code(),
                __malstrom::Probe::of(&__malstrom::item_of(&__right)).code(),
            )
        };
        let __stream = __malstrom::join_within(
            __graph.clone(),
            "both",
            (__left, __right),
            __on,
            __malstrom::Inner,
            __codes,
        );
        __graph.was("counted", "tally");
        let __op = tally::__op();
        let __stream = __malstrom::FlowsInto::pass(__malstrom::record(&__op, __stream));
        let __stream = __malstrom::WorksUnkeyed::pass(
            __malstrom::keyed(&__op, __stream),
        );
        let __stream = __malstrom::SameKey::pass(__malstrom::same_key(&__op, __stream));
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
        let __stream = __malstrom::TimersFire::pass(__malstrom::fires(&__op, __stream));
        let __stream = __malstrom::HasWindows::pass(__malstrom::closes(&__op, __stream));
        let __stream = __malstrom::InWindows::pass(
            __malstrom::in_windows(&__op, __stream),
        );
        let __stream = __malstrom::EntersWhole::pass(
            __malstrom::enters_whole(&__op, __stream),
        );
        let __stream = __malstrom::KeepsWindow::pass(
            __malstrom::keeps_window(&__op, __stream),
        );
        let __stream = __malstrom::NoTimersInWindows::pass(
            __malstrom::timers_in_windows(&__op, __stream),
        );
        let __stream = __malstrom::Dealt::pass(__malstrom::dealt(&__op, __stream));
        let __stream = __malstrom::Corrects::pass(
            __malstrom::corrected(&__op, __stream),
        );
        let (__op, __stream) = __malstrom::NeverFails::pass(
            __malstrom::failure(__op, __stream),
        );
        let (__op, __stream) = __malstrom::ClosedUse::pass(
            __malstrom::ends(__op, __stream),
        );
        let __stream = __malstrom::then(__graph.clone(), "counted", __op, __stream);
        __graph.was("cleaned", "clean");
        let __op = clean::__op();
        let __stream = __malstrom::FlowsInto::pass(__malstrom::record(&__op, __stream));
        let __stream = __malstrom::WorksUnkeyed::pass(
            __malstrom::keyed(&__op, __stream),
        );
        let __stream = __malstrom::SameKey::pass(__malstrom::same_key(&__op, __stream));
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
        let __stream = __malstrom::TimersFire::pass(__malstrom::fires(&__op, __stream));
        let __stream = __malstrom::HasWindows::pass(__malstrom::closes(&__op, __stream));
        let __stream = __malstrom::InWindows::pass(
            __malstrom::in_windows(&__op, __stream),
        );
        let __stream = __malstrom::EntersWhole::pass(
            __malstrom::enters_whole(&__op, __stream),
        );
        let __stream = __malstrom::KeepsWindow::pass(
            __malstrom::keeps_window(&__op, __stream),
        );
        let __stream = __malstrom::NoTimersInWindows::pass(
            __malstrom::timers_in_windows(&__op, __stream),
        );
        let __stream = __malstrom::Dealt::pass(__malstrom::dealt(&__op, __stream));
        let __stream = __malstrom::Corrects::pass(
            __malstrom::corrected(&__op, __stream),
        );
        let (__op, __stream) = __malstrom::NeverFails::pass(
            __malstrom::failure(__op, __stream),
        );
        let (__op, __stream) = __malstrom::ClosedUse::pass(
            __malstrom::ends(__op, __stream),
        );
        let __stream = __malstrom::then(__graph.clone(), "cleaned", __op, __stream);
        __graph.was("hours", "window");
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
            __malstrom::window(__graph.clone(), "hours", __stream, __windows, __late)
        };
        __graph.was("many", "count");
        let __stream = __malstrom::Grouped::pass(
            __malstrom::grouped(&__malstrom::stage::count, __stream),
        );
        let __stream = __malstrom::count(__graph.clone(), "many", __stream);
        __graph.was("out", "sink");
        let __stream = __malstrom::WindowsClosed::pass(__malstrom::closed(__stream));
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(z));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "out", __sink, __stream);
    }
    __graph.finish()
}
