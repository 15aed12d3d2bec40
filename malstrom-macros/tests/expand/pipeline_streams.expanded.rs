///
/**```mermaid
flowchart LR
    source(["source"])
    checker["checker"]
    source --> checker
    split["split"]
    checker --> split
    union["union"]
    split --> union
    split --> union
    sink[/"sink"/]
    union --> sink
    sink_2[/"sink_2"/]
    union --> sink_2
    sink_3[/"sink_3"/]
    checker --> sink_3
```*/
#[allow(unexpected_cfgs, unused_qualifications)]
#[allow(
    clippy::too_many_lines,
    clippy::let_unit_value,
    clippy::redundant_closure,
    clippy::needless_pass_by_value
)]
fn p(path: PathBuf) -> ::malstrom::Pipeline {
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    let __graph = __malstrom::Graph::new("p");
    let (big, small, bad) = {
        let __source = __malstrom::IntoSource::into_source(
            __malstrom::given(files::csv::<Tx>(&path)),
        );
        #[allow(unused_imports)]
        use __malstrom::RowsMayFail as _;
        let __source = __malstrom::RowsHandled::pass(
            __malstrom::rows_of(&__source).can_fail(__source),
        );
        let __source = __malstrom::RowsExplain::pass(
            __malstrom::rows_explained(__source),
        );
        let (__stream, _) = __malstrom::source_or(
            __graph.clone(),
            "source",
            __source,
            __malstrom::OrFail,
        );
        let __op = check::__op(3);
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
        let (__op, __stream) = __malstrom::CanFail::pass(
            __malstrom::handled(__op, __stream),
        );
        let (__op, __stream) = __malstrom::ClosedUse::pass(
            __malstrom::ends(__op, __stream),
        );
        let (__stream, __failed_bad) = {
            let __policy = __malstrom::or_else(
                &__stream,
                ::core::marker::PhantomData::<()>,
            );
            __malstrom::call(__graph.clone(), "checker", __op, __stream, __policy)
        };
        let __stream = __malstrom::split(
            __graph.clone(),
            "split",
            __stream,
            |tx| tx.cents > 100,
        );
        (
            __malstrom::named(
                __stream.0,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct big;
                    ::core::marker::PhantomData::<big>
                },
            ),
            __malstrom::named(
                __stream.1,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct small;
                    ::core::marker::PhantomData::<small>
                },
            ),
            __malstrom::named(
                __failed_bad,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct bad;
                    ::core::marker::PhantomData::<bad>
                },
            ),
        )
    };
    let (all,) = {
        let __stream = __malstrom::TakesNoWindows::pass(
            __malstrom::whole(&__malstrom::stage::union, big),
        );
        let __stream = __malstrom::union_of(__graph.clone(), __stream);
        let __next = __malstrom::Unites::pass(__malstrom::united(&__stream, small));
        let __next = __malstrom::UnitesKeyed::pass(
            __malstrom::united_keyed(&__stream, __next),
        );
        let __next = __malstrom::UnitesTimed::pass(
            __malstrom::united_timed(&__stream, __next),
        );
        let __next = __malstrom::TakesNoWindows::pass(
            __malstrom::whole(&__malstrom::stage::union, __next),
        );
        let __stream = __malstrom::union_with(__graph.clone(), __stream, __next);
        let __stream = __malstrom::union(__graph.clone(), "union", __stream);
        (
            {
                let __shared = __malstrom::Shareable::pass(
                    __malstrom::copied(
                        __malstrom::named(
                            __stream,
                            {
                                #[allow(non_camel_case_types, dead_code)]
                                struct all;
                                ::core::marker::PhantomData::<all>
                            },
                        ),
                    ),
                );
                __malstrom::share(__graph.clone(), __shared)
            },
        )
    };
    {
        let __stream = all.read();
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(a()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink", __sink, __stream);
    }
    {
        let __stream = all.read();
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(b()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink_2", __sink, __stream);
    }
    {
        let __stream = bad;
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(c()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink_3", __sink, __stream);
    }
    __graph.finish()
}
