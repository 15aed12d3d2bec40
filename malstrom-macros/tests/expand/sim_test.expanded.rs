#[test]
/// Totals survive.
fn totals() -> ::core::result::Result<(), ::malstrom::__private::Finding> {
    fn totals() -> Pipeline {
        pipeline(output())
    }
    ::malstrom::__private::Sim::new(totals)
        .workers(4)
        .crashes(3)
        .rescales(2)
        .seeds(0..200u64)
        .run()
        .map(|_| ())
}
