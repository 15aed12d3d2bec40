///
/**```mermaid
flowchart LR
    source(["source"])
    split["split"]
    source --> split
    sum["sum"]
    split --> sum
    fold["fold"]
    split --> fold
    join["join"]
    sum --> join
    fold --> join
    sink[/"sink"/]
    join --> sink
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
    let (a, b) = {
        let __source = __malstrom::IntoSource::into_source(__malstrom::given(x));
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "source", __source);
        let __stream = __malstrom::split(__graph.clone(), "split", __stream, f);
        (
            __malstrom::named(
                __stream.0,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct a;
                    ::core::marker::PhantomData::<a>
                },
            ),
            __malstrom::named(
                __stream.1,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct b;
                    ::core::marker::PhantomData::<b>
                },
            ),
        )
    };
    let (sums,) = {
        let __stream = a;
        let __stream = __malstrom::Grouped::pass(
            __malstrom::grouped(&__malstrom::stage::sum, __stream),
        );
        let __stream = __malstrom::by(__stream, |x| x.cents);
        let __code = {
            #[allow(unused_imports)]
            use __malstrom::Unwritten as _;
            __malstrom::Probe::of(&__malstrom::value_of(&__stream)).code()
        };
        let __stream = __malstrom::written(__stream, __code);
        let __stream = __malstrom::Adds::pass(
            __malstrom::value(&__malstrom::value_of(&__stream), __stream),
        );
        let __stream = __malstrom::sum(__graph.clone(), "sum", __stream);
        (
            __malstrom::named(
                __stream,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct sums;
                    ::core::marker::PhantomData::<sums>
                },
            ),
        )
    };
    let (lists,) = {
        let __stream = b;
        let __stream = __malstrom::Grouped::pass(
            __malstrom::grouped(&__malstrom::stage::fold, __stream),
        );
        let __stream = __malstrom::Dealt::pass(
            __malstrom::dealt_to(&__malstrom::stage::fold, __stream),
        );
        let (__initial, __stream) = __malstrom::Keeps::pass(
            __malstrom::initial(Vec::new(), __stream),
        );
        let __stream = __malstrom::folding(__stream, __initial, push);
        let __code = {
            #[allow(unused_imports)]
            use __malstrom::Unwritten as _;
            let __folded = __malstrom::folded(&__stream);
            (
                __malstrom::Probe::of(&__folded.0).code(),
                __malstrom::Probe::of(&__folded.1).code(),
            )
        };
        let __stream = __malstrom::fold(__graph.clone(), "fold", __stream, __code);
        (
            __malstrom::named(
                __stream,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct lists;
                    ::core::marker::PhantomData::<lists>
                },
            ),
        )
    };
    let (both,) = {
        let (__left, __right) = (sums, lists);
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
            "join",
            (__left, __right),
            __on,
            __malstrom::Inner,
            __codes,
        );
        (
            __malstrom::named(
                __stream,
                {
                    #[allow(non_camel_case_types, dead_code)]
                    struct both;
                    ::core::marker::PhantomData::<both>
                },
            ),
        )
    };
    {
        let __stream = both;
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(y()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink", __sink, __stream);
    }
    __graph.finish()
}
