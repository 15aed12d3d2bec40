///
/**```mermaid
flowchart LR
    source(["source"])
    sink[/"sink"/]
    source --> sink
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
    let __graph = __malstrom::Graph::new("p").promising_exactly_once();
    let __promise = {
        #[allow(non_camel_case_types, dead_code)]
        struct p;
        ::core::marker::PhantomData::<p>
    };
    {
        let __source = __malstrom::IntoSource::into_source(__malstrom::given(x));
        let __source = __malstrom::RepeatsLost::pass(
            __malstrom::repeated(__source, __promise),
        );
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "source", __source);
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(y));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        let __sink = __malstrom::KeepsPromise::pass(
            __malstrom::promised(__sink, __promise),
        );
        let __sink = __malstrom::StdoutKeepsPromise::pass(
            __malstrom::promised_stdout(__sink, __promise),
        );
        let __sink = __malstrom::DebugKeepsPromise::pass(
            __malstrom::promised_debug(__sink, __promise),
        );
        __malstrom::sink(__graph.clone(), "sink", __sink, __stream);
    }
    __graph.finish()
}
