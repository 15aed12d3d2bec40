/// Counts words.
///
/**```mermaid
flowchart LR
    source(["source"])
    words["words"]
    source --> words
    key_by{{"key_by"}}
    words --> key_by
    count["count"]
    key_by --> count
    sink[/"sink"/]
    count --> sink
```*/
#[allow(unexpected_cfgs, unused_qualifications)]
#[allow(
    clippy::too_many_lines,
    clippy::let_unit_value,
    clippy::redundant_closure,
    clippy::needless_pass_by_value
)]
pub fn word_count(input: PathBuf) -> ::malstrom::Pipeline {
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    let __graph = __malstrom::Graph::new("word_count");
    {
        let __source = __malstrom::IntoSource::into_source(
            __malstrom::given(files::lines(input)),
        );
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "source", __source);
        let __op = words::__op();
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
        let (__op, __stream) = __malstrom::NeverFails::pass(
            __malstrom::failure(__op, __stream),
        );
        let (__op, __stream) = __malstrom::ClosedUse::pass(
            __malstrom::ends(__op, __stream),
        );
        let __stream = __malstrom::then(__graph.clone(), "words", __op, __stream);
        let __stream = __malstrom::by(__stream, |w| w.clone());
        let __stream = __malstrom::IsKey::pass(
            __malstrom::is_key(&__malstrom::value_of(&__stream), __stream),
        );
        let __stream = __malstrom::Travels::pass(__malstrom::travels(__stream));
        let __stream = __malstrom::key_by(__graph.clone(), "key_by", __stream);
        let __stream = __malstrom::Grouped::pass(
            __malstrom::grouped(&__malstrom::stage::count, __stream),
        );
        let __stream = __malstrom::count(__graph.clone(), "count", __stream);
        let __sink = __malstrom::IsSink::pass(__malstrom::is_sink(stdout()));
        let __stream = __malstrom::DrainsInto::pass(
            __malstrom::drained(&__sink, __stream),
        );
        let __stream = __malstrom::Shown::pass(__malstrom::shown(&__sink, __stream));
        let __stream = __malstrom::Dumped::pass(__malstrom::dumped(&__sink, __stream));
        __malstrom::sink(__graph.clone(), "sink", __sink, __stream);
    }
    __graph.finish()
}
