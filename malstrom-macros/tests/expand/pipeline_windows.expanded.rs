///
/**```mermaid
flowchart LR
    source(["source"])
    timestamps["timestamps"]
    source --> timestamps
    key_by{{"key_by"}}
    timestamps --> key_by
    hourly["hourly"]
    key_by --> hourly
    visit["visit"]
    hourly --> visit
    sink[/"sink"/]
    visit --> sink
    sink_2[/"sink_2"/]
    hourly --> sink_2
```*/
#[allow(unexpected_cfgs, unused_qualifications)]
#[allow(
    clippy::too_many_lines,
    clippy::let_unit_value,
    clippy::redundant_closure,
    clippy::needless_pass_by_value
)]
fn p(clicks: Vec<Click>) -> ::malstrom::Pipeline {
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    let __graph = __malstrom::Graph::new("p");
    let (late,) = {
        let __source = __malstrom::IntoSource::into_source(__malstrom::given(clicks));
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "source", __source);
        let __stream = __malstrom::TakesNoWindows::pass(
            __malstrom::whole(&__malstrom::stage::timestamps, __stream),
        );
        let __stream = __malstrom::by(__stream, |click| click.at);
        let __stream = __malstrom::IsTime::pass(
            __malstrom::is_time(&__malstrom::value_of(&__stream), __stream),
        );
        let __lag = __malstrom::IsLength::pass(
            __malstrom::length(&__malstrom::value_of(&__stream), 5.seconds()),
        );
        let __stream = __malstrom::timestamps(
            __graph.clone(),
            "timestamps",
            __stream,
            __lag,
            ::core::option::Option::Some(
                __malstrom::IsIdle::pass(__malstrom::idle(30.seconds())),
            ),
        );
        let __stream = __malstrom::by(__stream, |click| click.user);
        let __stream = __malstrom::IsKey::pass(
            __malstrom::is_key(&__malstrom::value_of(&__stream), __stream),
        );
        let __stream = __malstrom::Travels::pass(__malstrom::travels(__stream));
        let __stream = __malstrom::key_by(__graph.clone(), "key_by", __stream);
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
        let (__stream, __failed_late) = {
            let __late = __malstrom::late_goes(&__stream);
            {
                let (__windows, __stream) = __malstrom::HasLateness::pass(
                    __malstrom::lenient(__windows, __stream),
                );
                let __lateness = __malstrom::IsLength::pass(
                    __malstrom::length_at(&__stream, 1.minutes()),
                );
                __malstrom::window_lenient(
                    __graph.clone(),
                    "hourly",
                    __stream,
                    __windows,
                    __lateness,
                    __late,
                )
            }
        };
        let __op = visit::__op();
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
        let __stream = __malstrom::then(__graph.clone(), "visit", __op, __stream);
        let __stream = __malstrom::WindowsClosed::pass(__malstrom::closed(__stream));
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(a()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink", __sink, __stream);
        (
            __malstrom::named(
                __failed_late,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct late;
                    ::core::marker::PhantomData::<late>
                },
            ),
        )
    };
    {
        let __stream = late;
        let __stream = __malstrom::WindowsClosed::pass(__malstrom::closed(__stream));
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(b()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink_2", __sink, __stream);
    }
    __graph.finish()
}
