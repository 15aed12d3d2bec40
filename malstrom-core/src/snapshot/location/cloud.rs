//! Object stores in a cloud, and those that speak their language.
use super::Location;
use crate::error::{Error, Result};
use object_store::path::Path;
use std::sync::Arc;

type Variables = Vec<(String, String)>;

pub(super) fn parse(scheme: &str, rest: &str, variables: Variables) -> Result<Location> {
    // Neither keys nor signatures belong into a URL, and what is not printed cannot leak.
    if rest.contains(['@', '?', '#']) {
        return Err(Error::Config(format!(
            "a URL of snapshots is `{scheme}://bucket/prefix` and has no `@`, `?` or `#` in it: keys are given in variables"
        )));
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(Error::Config(format!("`{scheme}://{rest}` names no bucket: write `{scheme}://bucket/prefix`")));
    }
    let url = format!("{scheme}://{}", rest.trim_end_matches('/'));
    let built = match scheme {
        "s3" => s3(bucket, &variables),
        "gs" => gcs(bucket, &variables),
        _ => azure(bucket, &variables),
    };
    let objects = built?.map_err(|cause| Error::Storage { doing: "open", object: url.clone(), cause: cause.into() })?;
    Ok(Location { objects, prefix: Path::from(prefix), url, directory: None, near: false })
}

type Built = Result<object_store::Result<Arc<dyn object_store::ObjectStore>>>;

#[cfg(feature = "s3")]
fn s3(bucket: &str, variables: &Variables) -> Built {
    Ok(s3_builder(bucket, variables).build().map(|store| Arc::new(store) as _))
}
#[cfg(feature = "s3")]
fn s3_builder(bucket: &str, variables: &Variables) -> object_store::aws::AmazonS3Builder {
    use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};
    let mut builder = AmazonS3Builder::new();
    for (name, value) in variables {
        if name.starts_with("AWS_")
            && let Ok(key) = name.to_ascii_lowercase().parse()
        {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = builder.get_config_value(&Key::S3Endpoint).or_else(|| builder.get_config_value(&Key::Endpoint));
    let plain = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    if endpoint.is_some() {
        // What is not Amazon's seldom has a host name per bucket.
        builder = builder.with_virtual_hosted_style_request(false);
    }
    builder.with_bucket_name(bucket).with_allow_http(plain)
}
#[cfg(not(feature = "s3"))]
fn s3(_: &str, _: &Variables) -> Built {
    Err(lacks("s3"))
}

#[cfg(feature = "gcs")]
fn gcs(bucket: &str, variables: &Variables) -> Built {
    let mut builder = object_store::gcp::GoogleCloudStorageBuilder::new();
    for (name, value) in variables {
        let ours = name.starts_with("GOOGLE_") || name == "SERVICE_ACCOUNT";
        let key = if name == "SERVICE_ACCOUNT" { "google_service_account".into() } else { name.to_ascii_lowercase() };
        if let (true, Ok(key)) = (ours, key.parse()) {
            builder = builder.with_config(key, value);
        }
    }
    Ok(builder.with_bucket_name(bucket).build().map(|store| Arc::new(store) as _))
}
#[cfg(not(feature = "gcs"))]
fn gcs(_: &str, _: &Variables) -> Built {
    Err(lacks("gcs"))
}

#[cfg(feature = "azure")]
fn azure(container: &str, variables: &Variables) -> Built {
    let mut builder = object_store::azure::MicrosoftAzureBuilder::new();
    for (name, value) in variables {
        if name.starts_with("AZURE_")
            && let Ok(key) = name.to_ascii_lowercase().parse()
        {
            builder = builder.with_config(key, value);
        }
    }
    Ok(builder.with_container_name(container).build().map(|store| Arc::new(store) as _))
}
#[cfg(not(feature = "azure"))]
fn azure(_: &str, _: &Variables) -> Built {
    Err(lacks("azure"))
}

#[allow(dead_code, reason = "not if all features are on")]
fn lacks(feature: &str) -> Error {
    Error::Config(format!(
        "this program was built without the feature `{feature}`: write `malstrom = {{ version = \"..\", features = [\"{feature}\"] }}` \
         in its Cargo.toml"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Location::parse(url, []).expect_err(url).to_string()
    }

    #[test]
    fn a_url_holds_no_secrets() {
        for url in ["s3://key:secret@bucket/a", "az://container/a?sig=secret", "gs://bucket/a#secret"] {
            let error = format!("{:?}", Location::parse(url, []).expect_err(url));
            assert!(!error.contains("secret") && error.contains("keys are given in variables"), "{error}");
        }
        assert!(refused("s3:///prefix").contains("names no bucket"));
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn the_feature_that_lacks_is_named() {
        assert!(refused("s3://bucket/a").contains("feature `s3`"));
    }
    #[cfg(not(feature = "gcs"))]
    #[test]
    fn the_feature_for_google_is_named() {
        assert!(refused("gs://bucket/a").contains("feature `gcs`"));
    }
    #[cfg(not(feature = "azure"))]
    #[test]
    fn the_feature_for_azure_is_named() {
        assert!(refused("az://bucket/a").contains("feature `azure`"));
    }

    #[cfg(feature = "s3")]
    mod s3 {
        use super::*;
        use object_store::ClientConfigKey;
        use object_store::aws::AmazonS3ConfigKey as Key;

        fn with(variables: &[(&str, &str)]) -> object_store::aws::AmazonS3Builder {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            s3_builder("bucket", &variables.iter().map(own).collect())
        }

        #[test]
        fn plain_http_is_spoken_only_with_an_endpoint_that_says_so() {
            let allows = |builder: object_store::aws::AmazonS3Builder| {
                builder.get_config_value(&Key::Client(ClientConfigKey::AllowHttp))
            };
            assert_eq!(allows(with(&[("AWS_ALLOW_HTTP", "true")])).as_deref(), Some("false"));
            let secure = with(&[("AWS_ENDPOINT_URL", "https://minio"), ("AWS_ALLOW_HTTP", "true")]);
            assert_eq!(allows(secure).as_deref(), Some("false"));
            let plain = with(&[("AWS_ENDPOINT_URL", "http://minio"), ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")]);
            assert_eq!(plain.get_config_value(&Key::VirtualHostedStyleRequest).as_deref(), Some("false"));
            assert_eq!(allows(plain).as_deref(), Some("true"));
        }

        #[test]
        fn the_bucket_is_that_of_the_url() {
            let builder = with(&[("AWS_BUCKET", "other"), ("AWS_REGION", "eu-west-1")]);
            assert_eq!(builder.get_config_value(&Key::Bucket).as_deref(), Some("bucket"));
            assert_eq!(builder.get_config_value(&Key::Region).as_deref(), Some("eu-west-1"));
        }

        #[test]
        fn what_is_printed_has_no_secrets() {
            let variables = [
                ("AWS_ACCESS_KEY_ID", "key"),
                ("AWS_SECRET_ACCESS_KEY", "hidden"),
                ("AWS_ENDPOINT_URL", "http://minio"),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let location = Location::parse("s3://bucket/a/b/", variables).unwrap();
            assert_eq!(location.to_string(), "s3://bucket/a/b");
            assert!(!format!("{location:?}").contains("hidden"));
        }
    }
}
