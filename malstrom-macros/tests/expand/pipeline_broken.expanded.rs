///
/**```mermaid
flowchart LR
    sink[/"sink"/]
    source(["source"])
    g["g"]
    source --> g
    sink_2[/"sink_2"/]
```*/
#[allow(unexpected_cfgs, unused_qualifications)]
#[allow(
    clippy::too_many_lines,
    clippy::let_unit_value,
    clippy::redundant_closure,
    clippy::needless_pass_by_value
)]
fn p() -> ::malstrom::Pipeline {
    ::core::compile_error! {
        "expected a stage after `->`: an operator, or one of `map`, `filter`, `filter_map`, `flat_map`, `inspect`, `key_by`, `split`, `timestamps`, `window`, `combine`, `count`, `sum`, `min`, `max`, `average`, `reduce`, `fold`, `top`, `distinct`, `sink`"
    }
    ::core::compile_error! {
        "this chain goes nowhere\n  help: end it in `-> sink(..)`, or bind it with `let name = ..`"
    }
    ::core::compile_error! {
        "no stream `b` in pipeline `p` (no stream is declared yet)"
    }
    #[cfg(rust_analyzer)]
    {
        let _ = f;
    }
    #[allow(unused_imports)]
    use ::malstrom::__private as __malstrom;
    let __graph = __malstrom::Graph::new("p");
    {
        let __source = __malstrom::IntoSource::into_source(__malstrom::given(z));
        let __source = __malstrom::RowsNeverFail::pass(__malstrom::rows(__source));
        let __stream = __malstrom::source(__graph.clone(), "source", __source);
        let __op = g::__op();
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
        let __stream = __malstrom::then(__graph.clone(), "g", __op, __stream);
        let _ = __stream;
    }
    __graph.finish()
}
