const _: () = {
    #[allow(unused_imports)]
    use ms::__private as __m;
    #[automatically_derived]
    impl<
        T: __m::serde::Serialize + __m::serde::de::DeserializeOwned
            + ::core::marker::Send + 'static,
    > __m::Record for Wrapped<T> {
        type As = <Self as __m::BySerde>::As;
        fn describe(__d: &mut __m::Describe) -> __m::TypeRef {
            __d.by_serde::<
                    Self,
                >("Wrapped", &[("", &[("0", "Option<T>"), ("1", "std::net::IpAddr")])])
        }
    }
};
