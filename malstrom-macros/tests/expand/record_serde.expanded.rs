#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ms::__private as __m;
    #[automatically_derived]
    impl<
        T: __m::serde::Serialize + __m::serde::de::DeserializeOwned
            + ::core::marker::Send + 'static,
    > __m::Opaque for Wrapped<T> {
        fn to_bytes(&self) -> ::core::result::Result<__m::Vec<u8>, __m::CodecError> {
            <Self as __m::BySerde>::write(self)
        }
        fn from_bytes(__bytes: &[u8]) -> ::core::result::Result<Self, __m::CodecError> {
            <Self as __m::BySerde>::read(__bytes)
        }
    }
    #[automatically_derived]
    impl<
        T: __m::serde::Serialize + __m::serde::de::DeserializeOwned
            + ::core::marker::Send + 'static,
    > __m::Record for Wrapped<T> {
        type As = __m::AsBytes;
        fn describe(__d: &mut __m::Describe) -> __m::TypeRef {
            __d.by_serde::<
                    Self,
                >("Wrapped", &[("", &[("0", "Option<T>"), ("1", "std::net::IpAddr")])])
        }
        fn to_json(&self) -> __m::Json {
            <Self as __m::BySerde>::json(self)
        }
    }
};
