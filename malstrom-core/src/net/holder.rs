//! Whom a certificate is for. One whose names say that it is for a certain process is good for that one only: who steals it from one
//! host cannot take the place of another process with it.
//!
//! | name in the certificate | |
//! |---|---|
//! | DNS `process-3` or `process-3.` and anything; URI `malstrom://process/3` | it is for process 3 |
//! | DNS `coordinator` or `coordinator.` and anything; URI `malstrom://coordinator` | it is for the coordinator |
//!
//! A certificate with several such names is for each of them, and one with none is for any.
use rustls::pki_types::CertificateDer;
use std::fmt;
use webpki::EndEntityCert;

/// Whom a certificate may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The coordinator of the job.
    Coordinator,
    /// The process with workers that has this number.
    Process(u32),
}
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Coordinator => f.write_str("the coordinator"),
            Holder::Process(number) => write!(f, "process {number}"),
        }
    }
}
/// Those that the other end of a connection may be, by its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders(Vec<Holder>);
impl Holders {
    /// By the names in a certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Holders, webpki::Error> {
        let certificate = EndEntityCert::try_from(certificate)?;
        let hosts = certificate.valid_dns_names().filter_map(of_host);
        Ok(Holders(hosts.chain(certificate.valid_uri_names().filter_map(of_uri)).collect()))
    }
    /// Refuses this one, if it is none of those.
    ///
    /// # Errors
    /// Why.
    pub fn check(&self, holder: Holder) -> Result<(), String> {
        if self.0.is_empty() || self.0.contains(&holder) {
            return Ok(());
        }
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        Err(format!(
            "its certificate is for {}, and it is to be that of {holder}: give each process its own certificate, or one whose names \
             begin neither with `process-` nor with `coordinator`",
            names.join(" and ")
        ))
    }
    /// The number of a process with workers, which asks for this one if it has one already.
    ///
    /// # Errors
    /// Why it cannot have that number, or none.
    pub fn process(&self, wanted: Option<u32>) -> Result<Option<u32>, String> {
        if let Some(wanted) = wanted {
            return self.check(Holder::Process(wanted)).map(|()| Some(wanted));
        }
        let mut numbers = self.0.iter().filter_map(|holder| match holder {
            Holder::Process(number) => Some(*number),
            Holder::Coordinator => None,
        });
        match (numbers.next(), numbers.next()) {
            (None, _) if self.0.is_empty() => Ok(None),
            (None, _) => {
                Err("its certificate is for the coordinator, and it is a process with workers: give it another one"
                    .into())
            }
            (Some(number), None) => Ok(Some(number)),
            (Some(_), Some(_)) => {
                Err("its certificate is for several processes: say by `--process` which of them it is".into())
            }
        }
    }
}
/// Nobody has this number. What only looks like a name of ours is for nobody rather than for anybody.
const NOBODY: Holder = Holder::Process(u32::MAX);
fn number(text: &str) -> Option<Holder> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().map_or(NOBODY, Holder::Process))
}
fn of_host(name: &str) -> Option<Holder> {
    let label = name.split('.').next()?.to_ascii_lowercase();
    if label == "coordinator" { Some(Holder::Coordinator) } else { number(label.strip_prefix("process-")?) }
}
fn of_uri(name: &str) -> Option<Holder> {
    match name.strip_prefix("malstrom://")? {
        "coordinator" => Some(Holder::Coordinator),
        other => Some(other.strip_prefix("process/").and_then(number).unwrap_or(NOBODY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whom_a_certificate_is_for() {
        for (name, holder) in [
            ("process-3", Some(Holder::Process(3))),
            ("process-12.job.internal", Some(Holder::Process(12))),
            ("Process-3.job", Some(Holder::Process(3))),
            ("coordinator", Some(Holder::Coordinator)),
            ("coordinator.job.internal", Some(Holder::Coordinator)),
            ("process-99999999999.job", Some(NOBODY)),
            ("process-+3.job", None),
            ("process-.job", None),
            ("process-a.job", None),
            ("coordinators.job", None),
            ("job.process-3", None),
            ("worker-3.job", None),
        ] {
            assert_eq!(of_host(name), holder, "{name}");
        }
        for (name, holder) in [
            ("malstrom://process/3", Some(Holder::Process(3))),
            ("malstrom://coordinator", Some(Holder::Coordinator)),
            ("malstrom://process/x", Some(NOBODY)),
            ("malstrom://process/3/x", Some(NOBODY)),
            ("malstrom://", Some(NOBODY)),
            ("spiffe://job/process/3", None),
        ] {
            assert_eq!(of_uri(name), holder, "{name}");
        }
    }
    #[test]
    fn one_without_such_names_is_for_any_and_others_for_theirs() {
        let any = Holders::default();
        assert_eq!((any.process(Some(7)), any.process(None)), (Ok(Some(7)), Ok(None)));
        assert_eq!(any.check(Holder::Coordinator), Ok(()));
        let third = Holders(vec![Holder::Process(3)]);
        assert_eq!((third.process(Some(3)), third.process(None)), (Ok(Some(3)), Ok(Some(3))));
        let why = third.process(Some(2)).unwrap_err();
        assert!(why.contains("its certificate is for process 3, and it is to be that of process 2"), "{why}");
        assert!(third.check(Holder::Coordinator).is_err());
        let both = Holders(vec![Holder::Coordinator, Holder::Process(0)]);
        assert_eq!((both.process(None), both.check(Holder::Coordinator)), (Ok(Some(0)), Ok(())));
        assert!(Holders(vec![Holder::Coordinator]).process(None).is_err());
        assert!(Holders(vec![Holder::Process(0), Holder::Process(1)]).process(None).is_err());
    }
}
